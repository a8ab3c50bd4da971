"""mel_int16: Whisper's log-mel features in integers."""
