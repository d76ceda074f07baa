"""Pages of a course beside its activities, one module each; the module's name is the page's name in addresses."""
