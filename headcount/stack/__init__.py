"""The local stack: Java, jars, the embedded broker and the service, as one command's children."""
