"""What do the words of a posting or a profile mean?"""
