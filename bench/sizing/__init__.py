"""What a load needs: cost per event, cost per verdict, and the model built on them."""
