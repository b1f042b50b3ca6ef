#!/bin/sh
exec /opt/java/bin/java -Xmx256m -cp '/opt/kafka/libs/*' org.apache.kafka.tools.TopicCommand "$@"
