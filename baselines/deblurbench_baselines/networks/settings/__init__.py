"""What defines a network, without torch: settings that can be listed, compared and written down."""
