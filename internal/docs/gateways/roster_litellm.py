"""Joins LiteLLM's proxy to Roster: whom it lets in, and what it reports.

Environment:
ROSTER_URL                where Roster is, such as https://roster.example.com
ROSTER_GATEWAY_KEY        the key of a service account with the role gateway
ROSTER_FAIL_OPEN_SECONDS  0, the default: nobody is let in while Roster does not answer;
                          else whoever it let in so many seconds ago at most
"""

import asyncio
import collections
import hashlib
import itertools
import json
import logging
import os
import time

import httpx
from fastapi import HTTPException, Request
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy._types import UserAPIKeyAuth

ROSTER_URL = os.environ["ROSTER_URL"].rstrip("/")
GATEWAY_KEY = os.environ["ROSTER_GATEWAY_KEY"]
FAIL_OPEN_SECONDS = float(os.environ.get("ROSTER_FAIL_OPEN_SECONDS", "0"))

MOST_LET_IN = 10_000  # keys, of which something is remembered
BATCH = 100  # calls in a report; Roster takes 500
BATCH_SECONDS = 1.0  # in which a report gathers, and limits do not know of its calls yet
MOST_WAITING = 100_000  # calls that are not reported yet
LONGEST_PAUSE = 30.0  # seconds between attempts to report

log = logging.getLogger("roster")
client = httpx.AsyncClient(base_url=ROSTER_URL, timeout=httpx.Timeout(2.0, connect=1.0))


# Before each call: general_settings.custom_auth.

let_in: dict = {}  # by digests of keys: when, and who


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:
    """Who sends api_key, if Roster lets them use models now."""
    key = api_key.removeprefix("Bearer ")
    digest = hashlib.sha256(key.encode()).hexdigest()
    try:
        answer = await client.get("/v1/authorize", headers={"Authorization": "Bearer " + key})
    except httpx.HTTPError:
        return undecided(digest)
    if answer.status_code >= 500 or "x-roster-code" not in answer.headers:
        return undecided(digest)
    if answer.status_code != 200:
        let_in.pop(digest, None)
        told = ("retry-after", "x-should-retry", "x-roster-code")
        raise HTTPException(
            status_code=answer.status_code,
            detail=answer.headers["x-roster-detail"],
            headers={name: answer.headers[name] for name in told if name in answer.headers},
        )
    caller = UserAPIKeyAuth(
        api_key=digest,
        # What LiteLLM says of them in what it logs, and Roster reads in reports.
        user_id=answer.headers["x-roster-user-id"],
        key_alias=answer.headers.get("x-roster-key-id"),
        org_id=answer.headers["x-roster-organization-id"],
    )
    if FAIL_OPEN_SECONDS > 0:
        if len(let_in) >= MOST_LET_IN:
            let_in.clear()
        let_in[digest] = (time.monotonic(), caller)
    return caller


def undecided(digest: str) -> UserAPIKeyAuth:
    """Whom Roster let in a short while ago, where that is enough."""
    at, caller = let_in.get(digest, (0.0, None))
    if caller is not None and time.monotonic() - at <= FAIL_OPEN_SECONDS:
        return caller
    raise HTTPException(
        status_code=503,
        detail="Nobody can say now whether the key may use models.",
        headers={"retry-after": "1"},
    )


# After each call: litellm_settings.callbacks.

REPORTED = (
    "id", "call_type", "status", "model", "custom_llm_provider", "prompt_tokens",
    "completion_tokens", "response_cost", "cache_hit", "startTime", "endTime",
)
REPORTED_METADATA = ("user_api_key_user_id", "user_api_key_alias", "usage_object")


class Usage(CustomLogger):
    """Reports calls in batches, each again until Roster answers: it counts none twice.

    What waits is in memory: what LiteLLM has not reported when it is killed is lost.
    """

    def __init__(self):
        super().__init__()
        self.waiting = collections.deque()
        self.reporting = None

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        payload = kwargs.get("standard_logging_object")
        if payload is None:
            return
        if len(self.waiting) >= MOST_WAITING:
            log.error("a call is lost to Roster, since %d wait: %s", MOST_WAITING, payload.get("id"))
            return
        call = {name: payload.get(name) for name in REPORTED}
        metadata = payload.get("metadata") or {}
        call["metadata"] = {name: metadata.get(name) for name in REPORTED_METADATA}
        self.waiting.append(call)
        if self.reporting is None or self.reporting.done():
            self.reporting = asyncio.create_task(self.report())

    async def report(self):
        pause = BATCH_SECONDS
        while self.waiting:
            await asyncio.sleep(pause)
            batch = list(itertools.islice(self.waiting, BATCH))
            if await self.reported(batch):
                for _ in batch:
                    self.waiting.popleft()
                pause = BATCH_SECONDS
            else:
                pause = min(2 * pause, LONGEST_PAUSE)

    async def reported(self, batch) -> bool:
        """Whether Roster has answered; false, the batch is to be sent again."""
        try:
            answer = await client.post(
                "/v1/usage",
                content=json.dumps(batch, default=str),
                headers={"Authorization": "Bearer " + GATEWAY_KEY, "Content-Type": "application/json"},
                timeout=30.0,
            )
        except httpx.HTTPError as error:
            log.warning("Roster does not answer: %r", error)
            return False
        if answer.status_code in (401, 403, 429) or answer.status_code >= 500:
            log.warning("Roster takes no report: %d %s", answer.status_code, answer.text)
            return False
        if answer.status_code != 200:
            log.error("Roster refuses a report for good: %d %s", answer.status_code, answer.text)
            return True
        for result in answer.json()["results"]:
            if result["status"] == "rejected":
                log.error("Roster does not count a call: %s", result)
        return True


usage = Usage()
