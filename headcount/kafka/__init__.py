"""The Kafka cluster under test: its client, its topics, and what a broker's listener speaks."""
