"""PostgreSQL and Kafka as programs to run.

The services and their order are `plan`'s.
"""

from dev.stack.kafka import STOP_SIGNAL as KAFKA_STOP
from dev.stack.kafka import Kafka
from dev.stack.ports import HOST
from dev.stack.postgres import STOP_SIGNAL as POSTGRES_STOP
from dev.stack.postgres import Postgres
from dev.stack.program import Program


def postgres_program(postgres: Postgres) -> Program:
    """PostgreSQL, ended by a fast shutdown."""
    return Program(
        name="postgres",
        command=lambda: postgres.command,
        probe=postgres.probe,
        address=f"{HOST}:{postgres.port}",
        port=postgres.port,
        folder=postgres.folder,
        environment=postgres.environment,
        prepare=postgres.prepare,
        account=postgres.account,
        stop_signal=POSTGRES_STOP,
        parting_signal=POSTGRES_STOP,
        # After a kill -9 it refuses to start while an old backend still holds the shared memory.
        tries=8,
    )


def kafka_program(kafka: Kafka) -> Program:
    """Kafka, ended by a controlled shutdown."""
    return Program(
        name="kafka",
        command=lambda: kafka.command,
        probe=kafka.probe,
        address=kafka.address,
        port=kafka.port,
        folder=kafka.folder,
        environment=kafka.environment,
        prepare=kafka.prepare,
        stop_signal=KAFKA_STOP,
        parting_signal=KAFKA_STOP,
        # A consumer that cannot leave its group is waited for at the next start.
        stands_under_others=True,
    )
