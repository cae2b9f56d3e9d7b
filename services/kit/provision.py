"""Makes the topics, as one process before the services: `python -m services.kit.provision`."""

import asyncio
import os
import sys
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from contracts.topics import Topic, provisioned


async def provision(
    kafka: str,
    topics: Sequence[Topic] | None = None,
    *,
    replication: int = 1,
    patience_s: float = 60.0,
) -> list[str]:
    """Create the topics that are missing (of these, or of all there are); returns their names.

    kafka: bootstrap servers. replication: copies of each partition; three where there are three
    brokers. Raises KafkaError where the broker refuses or does not answer in time.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.split(","))
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            await admin.start()
            break
        except KafkaError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.3)
    try:
        there = set(await admin.list_topics())
        missing = [topic for topic in topics or provisioned() if topic.name not in there]
        if not missing:
            return []
        answer = await admin.create_topics(
            [
                NewTopic(
                    name=topic.name,
                    num_partitions=topic.partitions,
                    replication_factor=replication,
                    topic_configs=topic.config(),
                )
                for topic in missing
            ]
        )
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(f"topic {name}")
        return [topic.name for topic in missing]
    finally:
        await admin.close()


def main() -> int:
    """Command line: reads RENGANG_KAFKA and RENGANG_REPLICATION."""
    kafka = os.environ.get("RENGANG_KAFKA")
    replication = os.environ.get("RENGANG_REPLICATION", "1")
    if not kafka or not replication.isdigit():
        print("set RENGANG_KAFKA=host:port (and RENGANG_REPLICATION=1…)", file=sys.stderr)  # noqa: T201
        return 2
    try:
        made = asyncio.run(provision(kafka, replication=int(replication)))
    except (KafkaError, OSError) as error:
        print(f"Kafka at {kafka} did not make the topics: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"topics made: {len(made)}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
