package account_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"roster/internal/account"
	"roster/internal/rostertest"
)

// guess tries a wrong password from a place.
func guess(t testing.TB, r *rostertest.Roster, address, place string) rostertest.Response {
	t.Helper()
	return r.Call(t, "POST /auth/login", "", map[string]any{"email": address, "password": "guess"}, "X-Forwarded-For", place)
}

func enter(t testing.TB, r *rostertest.Roster, address, place string) rostertest.Response {
	t.Helper()
	return login(t, r, address, "", "X-Forwarded-For", place)
}

// Whoever floods an address with guesses bars strangers from it for a while, and
// nobody from a place where it was logged in before.
func TestGuessesElsewhereKeepNobodyOut(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	register(t, r, "ada@example.com", "Engines")
	if got := enter(t, r, "ada@example.com", "203.0.113.1"); got.Status != 200 { // now a place that the account knows
		t.Fatalf("%s", got.Raw)
	}
	for n := range 5 {
		for range 20 {
			if got := guess(t, r, "ada@example.com", fmt.Sprintf("198.51.100.%d", n)); got.Code() != "invalid_login" {
				t.Fatalf("%s", got.Raw)
			}
		}
	}
	if got := guess(t, r, "ada@example.com", "198.51.100.0"); got.Status != 429 || got.Header.Get("Retry-After") == "" {
		t.Errorf("the place guesses on: %s", got.Raw)
	}
	if got := guess(t, r, "ada@example.com", "198.51.100.99"); got.Status != 429 {
		t.Errorf("from yet another place: %s", got.Raw)
	}
	if got := enter(t, r, "ada@example.com", "198.51.100.99"); got.Status != 429 {
		t.Errorf("a strange place, the right password: %s", got.Raw)
	}
	for _, known := range []string{"203.0.113.1", r.IP()} {
		if got := enter(t, r, "ada@example.com", known); got.Status != 200 {
			t.Errorf("a known place is kept out: %s", got.Raw)
		}
	}
	if got := guess(t, r, "eve@example.com", "198.51.100.99"); got.Code() != "invalid_login" {
		t.Errorf("another address: %s", got.Raw)
	}
	r.Advance(time.Hour)
	if got := enter(t, r, "ada@example.com", "198.51.100.99"); got.Status != 200 {
		t.Errorf("an hour later: %s", got.Raw)
	}
}

// The bound on a known place is its own, and holds there too.
func TestGuessesAtAKnownPlaceEndAtAHundred(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	register(t, r, "ada@example.com", "Engines")
	for range 100 {
		if got := guess(t, r, "ada@example.com", r.IP()); got.Code() != "invalid_login" {
			t.Fatalf("%s", got.Raw)
		}
	}
	if got := guess(t, r, "ada@example.com", r.IP()); got.Status != 429 {
		t.Errorf("%s", got.Raw)
	}
}

func TestLoggingInOftenIsNoGuessing(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	register(t, r, "ada@example.com", "Engines")
	for n := range 130 {
		if got := enter(t, r, "ada@example.com", fmt.Sprintf("203.0.113.%d", n)); got.Status != 200 {
			t.Fatalf("log-in %d: %s", n, got.Raw)
		}
	}
}

// From strange places, an address without an account is answered as one with.
func TestAFloodTellsNothingAboutAddresses(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	register(t, r, "ada@example.com", "Engines")
	for n := range 22 {
		with := guess(t, r, "ada@example.com", "198.51.100.1")
		without := guess(t, r, "eve@example.com", "198.51.100.2")
		same := func(a rostertest.Response) []byte {
			return bytes.ReplaceAll(a.Raw, []byte(a.String("request_id")), nil)
		}
		if with.Status != without.Status || !bytes.Equal(same(with), same(without)) {
			t.Fatalf("guess %d: %s and %s", n, with.Raw, without.Raw)
		}
	}
}
