"""What readers see of a run in progress: in the Delivery tab and in the terminal. Pure."""
