"""The model behind a proposer: what is asked and answered (`call`), the wire (`client`), the cost (`prices`), which one (`ensemble`)."""
