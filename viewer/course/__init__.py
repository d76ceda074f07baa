"""The pages of a course besides its sections and activities, one file a page; the name of the file is its address."""
