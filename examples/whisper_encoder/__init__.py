"""Speech through the front of Whisper's encoder, on the simulated array."""
