"""Where rows come from: what prepares them, the contract they have to keep, and the card that describes them."""
