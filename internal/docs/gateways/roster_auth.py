"""Authenticates the callers of LiteLLM's proxy by Roster: general_settings.custom_auth.

Environment: ROSTER_URL; ROSTER_FAIL_OPEN_SECONDS (0: nobody is let in while Roster does not
answer; else whoever it let in that many seconds ago at most).
"""

import hashlib
import os
import time

import httpx
from fastapi import HTTPException, Request
from litellm.proxy._types import UserAPIKeyAuth

ROSTER_URL = os.environ["ROSTER_URL"].rstrip("/")
FAIL_OPEN_SECONDS = float(os.environ.get("ROSTER_FAIL_OPEN_SECONDS", "0"))
MOST_KEPT = 10_000

client = httpx.AsyncClient(timeout=httpx.Timeout(2.0, connect=1.0))
let_in: dict[str, tuple[float, UserAPIKeyAuth]] = {}


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:
    """Who sends api_key, if Roster lets them use models now."""
    digest = hashlib.sha256(api_key.encode()).hexdigest()
    try:
        answer = await client.get(
            ROSTER_URL + "/v1/authorize",
            headers={"Authorization": "Bearer " + api_key.removeprefix("Bearer ")},
        )
    except httpx.HTTPError:
        return undecided(digest)
    if answer.status_code >= 500 or "x-roster-code" not in answer.headers:
        return undecided(digest)
    if answer.status_code != 200:
        let_in.pop(digest, None)
        told = ("retry-after", "x-should-retry", "x-roster-code")
        raise HTTPException(
            status_code=answer.status_code,
            detail=answer.headers.get("x-roster-detail", "refused"),
            headers={name: answer.headers[name] for name in told if name in answer.headers},
        )
    caller = UserAPIKeyAuth(
        api_key=digest,
        # What LiteLLM logs of them, and Roster reads when usage is reported.
        user_id=answer.headers["x-roster-user-id"],
        key_alias=answer.headers.get("x-roster-key-id"),
        org_id=answer.headers["x-roster-organization-id"],
    )
    if FAIL_OPEN_SECONDS > 0:
        if len(let_in) >= MOST_KEPT:
            let_in.clear()
        let_in[digest] = (time.monotonic(), caller)
    return caller


def undecided(digest: str) -> UserAPIKeyAuth:
    """Whom Roster let in a short while ago, where that is enough."""
    at, caller = let_in.get(digest, (float("-inf"), None))
    if caller is not None and time.monotonic() - at <= FAIL_OPEN_SECONDS:
        return caller
    raise HTTPException(
        status_code=503,
        detail="Nobody can say now whether the key may use models.",
        headers={"retry-after": "1"},
    )
