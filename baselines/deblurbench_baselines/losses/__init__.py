"""What training minimises. The settings import no torch; the losses themselves do."""
