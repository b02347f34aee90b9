package outbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/outbox"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func enqueue(t *testing.T, r *rostertest.Roster, m outbox.Mail) {
	t.Helper()
	write, err := outbox.Enqueue(t.Context(), r.Env, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Table.Transact(t.Context(), write); err != nil {
		t.Fatal(err)
	}
}

func TestAMailWaitsAsItWasEnqueued(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	org := id.NewOrganization(r.Now())
	want := outbox.Mail{
		To: "ada@example.com", Kind: mail.Invitation,
		Data: mail.Data{
			Organization: "Engines & Söhne", Recipient: "Ada", Actor: "Eve", Role: "admin",
			Link: "https://roster.example.com/invite#the-token", ExpiresAt: r.Now().Add(time.Hour),
		},
		Invitation: &outbox.InvitationRef{Organization: org, ID: id.NewInvitation(r.Now(), "ada@example.com"), Generation: 2},
	}
	enqueue(t, r, want)
	waiting, err := outbox.Waiting(t.Context(), r.Env)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("%d mails, %v", len(waiting), err)
	}
	got, err := waiting[0].Open(t.Context(), r.Env)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-enqueued +waiting)\n%s", diff)
	}
	for key, item := range r.DumpItems(t) {
		if strings.Contains(fmt.Sprint(key, item), "the-token") {
			t.Errorf("the link's token lies open in %v", item)
		}
	}
	moved := waiting[0]
	moved.ID = id.New("out", r.Now())
	if m, err := moved.Open(t.Context(), r.Env); err == nil {
		t.Errorf("the link opens for another mail: %s", m.Data.Link)
	}
}

func TestAMailWithoutALinkHasNone(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	enqueue(t, r, outbox.Mail{To: "ada@example.com", Kind: mail.Removed, Data: mail.Data{Organization: "Engines"}})
	if got := r.LastMail(t, "ada@example.com"); got.Data.Link != "" || got.Data.Organization != "Engines" || got.Invitation != nil {
		t.Errorf("%+v", got)
	}
}

func TestWaitingIsOldestFirstOverAllShards(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	var want []string
	shards := map[string]bool{}
	for n := range 60 {
		to := fmt.Sprintf("ada+%d@example.com", n)
		want = append(want, to)
		enqueue(t, r, outbox.Mail{To: email.Address(to), Kind: mail.Removed, Data: mail.Data{Organization: "Engines"}})
		r.Advance(time.Millisecond)
	}
	var got []string
	for _, m := range r.Mails(t, "") {
		got = append(got, string(m.To))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for key := range r.DumpItems(t) {
		if !strings.HasPrefix(key.PK, table.OutboxPrefix) {
			t.Errorf("a mail lies at %v", key)
		}
		shards[key.PK] = true
	}
	if len(shards) < table.OutboxShards/2 {
		t.Errorf("60 mails lie in %d partitions", len(shards))
	}
}
