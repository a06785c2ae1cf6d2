"""Loading photos from online sources: politely, safely, and so that nothing is lost."""
