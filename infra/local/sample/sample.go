// Package sample runs the sample events of events/ for real: the binaries of the
// functions, on a small deployment that is made for the purpose.
//
// An event may name what is in it: ${org}, ${owner}, ${key} (the owner's API
// key), ${token} (the owner's access token), ${member}, ${member_key},
// ${stranger_token} (of an account that belongs nowhere), ${invitation},
// ${invitation_token} (of its mailed link), ${join_request}, ${today} and ${now}.
package sample

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"roster/infra/local/stack"
)

// Deployment is the small deployment.
type Deployment struct {
	stack  *stack.Stack
	values map[string]string
}

// Start makes one; it keeps nothing.
func Start(ctx context.Context) (*Deployment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s, err := stack.Start(ctx, stack.Config{
		Listener: listener, PublicURL: "https://roster.example.com", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	d := &Deployment{stack: s, values: map[string]string{}}
	if err := d.populate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return d, nil
}

// Close ends it.
func (d *Deployment) Close() error { return d.stack.Close() }

// Env is the environment that the functions need.
func (d *Deployment) Env() []string { return d.stack.FunctionEnv() }

// Fill replaces the names in an event by what they stand for.
func (d *Deployment) Fill(event []byte) ([]byte, error) {
	filled := placeholder.ReplaceAllFunc(event, func(name []byte) []byte {
		if value, ok := d.values[string(name[2:len(name)-1])]; ok {
			return []byte(value)
		}
		return name
	})
	if unknown := placeholder.Find(filled); unknown != nil {
		return nil, fmt.Errorf("the event names %s, which there is not", unknown)
	}
	return filled, nil
}

var placeholder = regexp.MustCompile(`\$\{[a-z_]+\}`)

// Settle is the inverse of Fill for an answer, in which it also replaces what is
// new in each run.
func (d *Deployment) Settle(answer []byte) []byte {
	names := make([]string, 0, len(d.values))
	for name := range d.values {
		if name != "now" && name != "today" { // those are times among others
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { // a longer value may hold a shorter one
		if n := len(d.values[b]) - len(d.values[a]); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		answer = bytes.ReplaceAll(answer, []byte(d.values[name]), []byte("${"+name+"}"))
	}
	for _, f := range fleeting {
		answer = f.form.ReplaceAll(answer, []byte(f.stands))
	}
	return answer
}

var fleeting = []struct {
	form   *regexp.Regexp
	stands string
}{
	{regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`), "<access token>"},
	{regexp.MustCompile(`\b(rr|rk|ri|rv)_[\w-]{40,}`), "<${1}_…>"},
	{regexp.MustCompile(`\b(key_test|[a-z]{3,4})_[0-9A-Z]{26,}`), "<${1}_…>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "<time>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d`), "<date>"},
	{regexp.MustCompile(`("(checked|missing|surplus|organizations|events|months|busy)": ?)\d+`), `${1}"<number>"`},
	{regexp.MustCompile(`("last_active_at": ?)(null|"[^"]*")`), `${1}"<day or null>"`}, // noted within moments
	{regexp.MustCompile(`("month": ?)"\d{4}-\d\d"`), `${1}"<month>"`},
	{regexp.MustCompile(`("hint": ?)"[^"]*"`), `${1}"<hint>"`},
	{regexp.MustCompile(`("(x|kid)": ?)"[\w-]{43}"`), `${1}"<key>"`},
}

// populate fills the deployment through its own API.
func (d *Deployment) populate(ctx context.Context) error {
	now := time.Now().UTC()
	d.values["now"], d.values["today"] = now.Format(time.RFC3339), now.Format(time.DateOnly)
	steps := []func(context.Context) error{d.owner, d.member, d.invitation, d.joinRequest}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

const password = "newpassword123"

type object = map[string]any

func (d *Deployment) owner(ctx context.Context) error {
	in, err := d.stack.Call(ctx, "POST /auth/register", "", object{
		"email": "owner@acme.example", "password": password, "name": "Olivia Owner", "organization": "Acme",
	})
	if err != nil {
		return err
	}
	d.values["token"], d.values["org"], d.values["owner"] = stack.Text(in, "access_token"), stack.Text(in, "organization", "id"), stack.Text(in, "user", "id")
	token, err := d.stack.MailedToken(ctx, "owner@acme.example")
	if err != nil {
		return err
	}
	if _, err := d.stack.Call(ctx, "POST /auth/verify-email", "", object{"token": token}); err != nil {
		return err
	}
	key, err := d.stack.Call(ctx, "POST /api/organizations/"+d.values["org"]+"/keys", d.values["token"], object{"name": "owner's key"})
	d.values["key"] = stack.Text(key, "key", "secret")
	return err
}

func (d *Deployment) member(ctx context.Context) error {
	if err := d.invite(ctx, "member@acme.example"); err != nil {
		return err
	}
	token, err := d.stack.MailedToken(ctx, "member@acme.example")
	if err != nil {
		return err
	}
	in, err := d.stack.Call(ctx, "POST /auth/accept-invite", "", object{"token": token, "password": password, "name": "Max Member"})
	if err != nil {
		return err
	}
	d.values["member"] = stack.Text(in, "user", "id")
	key, err := d.stack.Call(ctx, "POST /api/organizations/"+d.values["org"]+"/keys", stack.Text(in, "access_token"), object{"name": "laptop"})
	d.values["member_key"] = stack.Text(key, "key", "secret")
	return err
}

func (d *Deployment) invitation(ctx context.Context) error {
	if err := d.invite(ctx, "newcomer@acme.example"); err != nil {
		return err
	}
	var err error
	d.values["invitation_token"], err = d.stack.MailedToken(ctx, "newcomer@acme.example")
	return err
}

func (d *Deployment) invite(ctx context.Context, address string) error {
	invited, err := d.stack.Call(ctx, "POST /api/organizations/"+d.values["org"]+"/members/invite", d.values["key"],
		object{"email": address, "role": "member", "message": "Welcome to our AI services platform!"})
	d.values["invitation"] = stack.Text(invited, "invitation", "id")
	return err
}

func (d *Deployment) joinRequest(ctx context.Context) error {
	if _, err := d.stack.Call(ctx, "PUT /api/organizations/"+d.values["org"], d.values["key"], object{"allow_join_requests": true}); err != nil {
		return err
	}
	in, err := d.stack.Call(ctx, "POST /auth/register", "", object{"email": "asks@acme.example", "password": password, "name": "Alma Asks"})
	if err != nil {
		return err
	}
	asked, err := d.stack.Call(ctx, "POST /api/organizations/"+d.values["org"]+"/join-requests", stack.Text(in, "access_token"), object{})
	if err != nil {
		return err
	}
	d.values["join_request"] = stack.Text(asked, "join_request", "id")
	in, err = d.stack.Call(ctx, "POST /auth/register", "", object{"email": "stranger@elsewhere.example", "password": password, "name": "Sam Stranger"})
	d.values["stranger_token"] = stack.Text(in, "access_token")
	return err
}
