"""Between the socket and the face: how HTTP/1.1 is read, how connections end, and for how long a client may take."""
