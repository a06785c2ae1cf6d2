"""The networks of the baselines. Their settings import no torch; the networks themselves do."""
