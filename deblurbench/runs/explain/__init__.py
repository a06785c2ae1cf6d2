"""What a model does to frequencies and neighbourhoods: measurements, their pictures and their JSON."""
