"""What ``make test`` runs, and when: phases that wait for others, several at a time, each one's time at the end."""
