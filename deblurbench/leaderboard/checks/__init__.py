"""What `leaderboard check` looks at: files, tracks, duplicates, predictions, run folders."""
