"""What people who write rules use: their tests, what these leave unseen, a policy in words, a new one to fill in."""
