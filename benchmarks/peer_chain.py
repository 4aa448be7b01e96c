"""Chains of four empty steps on procrastinate or Celery, each step a row of its own: what letters.py stands beside.

    PEER/bin/python peer_chain.py LIBRARY fill|work DATABASE BROKER COUNT

True here: as their guides show them. A step puts its row down in PostgreSQL, commits, and asks for the next one; a
step that runs twice leaves two rows. procrastinate's queue is in the same PostgreSQL, ten jobs at once in a worker;
Celery's is in Redis, one process a worker, a step acknowledged after it was done. Nothing else is done. It runs in the
peer's own environment, where nothing of the house is.
"""

import asyncio
import sys

STEPS = 4
TABLE = "CREATE TABLE steps (chain integer NOT NULL, step integer NOT NULL)"
ROW = "INSERT INTO steps VALUES (%(chain)s, %(step)s)"


def procrastinate(role: str, database: str, _broker: str, count: int) -> None:
    """Fill the queue, or work until it is empty."""
    import procrastinate as library

    app = library.App(connector=library.PsycopgConnector(conninfo=database))

    @app.task(name="step", queue="chain")
    async def step(chain: int, number: int) -> None:
        await app.connector.execute_query_async(ROW, chain=chain, step=number)
        if number < STEPS:
            await step.defer_async(chain=chain, number=number + 1)

    async def run() -> None:
        async with app.open_async():
            if role == "fill":
                await app.schema_manager.apply_schema_async()
                await app.connector.execute_query_async(TABLE)
                await step.batch_defer_async(*({"chain": n, "number": 1} for n in range(count)))
                return
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            await app.run_worker_async(queues=["chain"], concurrency=10, wait=False)

    asyncio.run(run())


def celery(role: str, database: str, broker: str, count: int) -> None:
    """Fill the queue, or work until somebody ends it."""
    import celery as library
    import psycopg

    app = library.Celery("chain", broker=broker)
    app.conf.update(task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=4)
    base: list[psycopg.Connection[tuple[object, ...]]] = []

    @app.task(name="step")
    def step(chain: int, number: int) -> None:
        if not base:
            base.append(psycopg.connect(database, autocommit=True))
        base[0].execute(ROW, {"chain": chain, "step": number})
        if number < STEPS:
            step.delay(chain, number + 1)

    if role == "fill":
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(TABLE)
        with app.producer_pool.acquire() as producer:
            for number in range(count):
                step.apply_async((number, 1), producer=producer)
        return
    print("ready", flush=True)
    sys.stdin.readline()
    app.worker_main(
        ["worker", "--pool=prefork", "--concurrency=1", "--loglevel=ERROR", "-n", f"w{count}@chain"]
    )


if __name__ == "__main__":
    {"procrastinate": procrastinate, "celery": celery}[sys.argv[1]](*sys.argv[2:5], int(sys.argv[5]))
