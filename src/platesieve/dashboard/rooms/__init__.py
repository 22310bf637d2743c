"""The pages, by room: the door, alerts, cameras, oversight, people. Each ends with its rows of the table."""
