"""Networks: a catalogue of architectures, what builds them, and how they are initialised. No torch is imported here."""
