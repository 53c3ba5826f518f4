"""What `make demo` shows: a carrier that does not exist, its parcels, and events that keep coming."""
