"""Controllers at work on N objects against the real API server: speed, cost, rest and restart."""
