"""conv1d_bf16: Whisper's two input convolutions on all 16 cores."""
