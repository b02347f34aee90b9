package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Demo is what GET /_local/demo.json tells: how to enter the demonstration.
type Demo struct {
	OrganizationID string `json:"organization_id"`
	Email          string `json:"email"`
	Password       string `json:"password"`
	APIKey         string `json:"api_key"`
}

const (
	demoDays     = 60
	demoPassword = "demo-password"
	demoOwner    = "olivia@northwind.example"
	demoFile     = "demo.json"
)

// person is one of the demonstration's members; fate is how they stand today.
type person struct {
	name, role, department, fate string
}

func (p person) email() string {
	first, _, _ := strings.Cut(strings.ToLower(p.name), " ")
	return first + "@northwind.example"
}

// People of every role and in every state.
var people = []person{
	{"Adam Novak", "admin", "Platform", "active"},
	{"Bela Horvath", "admin", "Finance", "active"},
	{"Carla Rossi", "developer", "Engineering", "active"},
	{"Deniz Kaya", "developer", "Engineering", "active"},
	{"Emil Larsen", "developer", "Engineering", "active"},
	{"Farah Haddad", "developer", "Research", "active"},
	{"Goran Petrov", "developer", "Research", "suspended"},
	{"Hana Sato", "viewer", "Finance", "active"},
	{"Ines Moreau", "viewer", "Legal", "active"},
	{"Jonas Weber", "member", "Engineering", "active"},
	{"Katya Orlova", "member", "Engineering", "active"},
	{"Liam Byrne", "member", "Engineering", "active"},
	{"Mina Park", "member", "Engineering", "active"},
	{"Noor Aziz", "member", "Support", "active"},
	{"Oskar Lind", "member", "Support", "active"},
	{"Paula Gomez", "member", "Support", "active"},
	{"Quentin Blanc", "member", "Support", "suspended"},
	{"Rosa Silva", "member", "Marketing", "active"},
	{"Sven Berg", "member", "Marketing", "active"},
	{"Tara Singh", "member", "Marketing", "active"},
	{"Uma Iyer", "member", "Sales", "active"},
	{"Viktor Toth", "member", "Sales", "active"},
	{"Wanda Nowak", "member", "Sales", "removed"},
	{"Xenia Vlachou", "member", "Research", "active"},
	{"Yusuf Demir", "member", "Research", "active"},
	{"Zoe Martin", "member", "Research", "active"},
	{"Anton Kovac", "member", "Data", "active"},
	{"Bianca Ricci", "member", "Data", "active"},
	{"Chen Wei", "member", "Data", "active"},
	{"Dora Papp", "member", "Data", "removed"},
	{"Elif Yildiz", "member", "Design", "active"},
	{"Filip Maly", "member", "Design", "active"},
	{"Greta Holm", "member", "Design", "suspended"},
	{"Hugo Costa", "member", "Legal", "invited"},
	{"Ida Nilsen", "member", "Legal", "invited"},
	{"Jakub Dvorak", "developer", "Engineering", "invited"},
	{"Karin Olsen", "member", "Sales", "asked"},
	{"Luca Ferri", "member", "Support", "asked"},
	{"Marta Ruiz", "member", "Support", "rejected"},
}

// demonstrate fills an empty stack through its own API, moving the clock through
// the last 60 days. A folder that has its demonstration keeps it.
func (s *Stack) demonstrate(ctx context.Context, data string) error {
	if found, err := s.readDemo(data); found || err != nil {
		return err
	}
	defer s.clock.offset.Store(0)
	began := time.Now().UTC().AddDate(0, 0, -demoDays).Truncate(24 * time.Hour).Add(9 * time.Hour)
	d := &demonstration{stack: s, ctx: ctx, tokens: map[string]string{}, ids: map[string]string{}, teams: map[string]string{}}
	s.clock.move(began)
	if err := d.found(data); err != nil {
		return err
	}
	for day := range demoDays + 1 {
		if now := began.AddDate(0, 0, day); now.Before(time.Now()) {
			s.clock.move(now)
		} else {
			s.clock.move(time.Now())
		}
		if err := d.live(day); err != nil {
			return err
		}
	}
	return s.schedules["close-statements"].Run(ctx)
}

// readDemo looks whether the folder has its demonstration, or people of its own.
func (s *Stack) readDemo(data string) (found bool, err error) {
	if data == "" {
		return false, nil
	}
	b, err := os.ReadFile(filepath.Join(data, demoFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s.secrets.old, nil
	}
	if err != nil {
		return false, err
	}
	s.demo = new(Demo)
	return true, json.Unmarshal(b, s.demo)
}

// demonstration is one under way.
type demonstration struct {
	stack       *Stack
	ctx         context.Context
	demo        Demo
	gateway     string            // API key of the service account that reports usage
	tokens, ids map[string]string // by address
	teams       map[string]string // by department
}

// found makes the organization, its owner with a key, and the gateway.
func (d *demonstration) found(data string) error {
	registered, err := d.stack.Call(d.ctx, "POST /auth/register", "", object{
		"email": demoOwner, "password": demoPassword, "name": "Olivia Owner", "organization": "Northwind Inference",
	})
	if err != nil {
		return err
	}
	token := Text(registered, "access_token")
	d.demo = Demo{OrganizationID: Text(registered, "organization", "id"), Email: demoOwner, Password: demoPassword}
	if err := d.verify(demoOwner); err != nil {
		return err
	}
	key, err := d.stack.Call(d.ctx, "POST "+d.path("/keys"), token, object{"name": "Olivia's key"})
	if err != nil {
		return err
	}
	d.demo.APIKey = Text(key, "key", "secret")
	b, err := json.Marshal(d.demo)
	if err != nil {
		return err
	}
	d.stack.demo = &d.demo
	if data != "" {
		if err := write(filepath.Join(data, demoFile), string(b)); err != nil {
			return err
		}
	}
	if _, err := d.stack.Call(d.ctx, "PUT "+d.path(""), d.demo.APIKey, object{
		"time_zone": "Europe/Berlin", "allow_join_requests": true, "default_monthly_limit": 5, "default_requests_per_minute": 60,
		"welcome_message": "Welcome! Start with the guidelines, and ask in #ai-help when something is unclear.",
		"guidelines_url":  "https://intranet.northwind.example/ai-guidelines",
	}); err != nil {
		return err
	}
	for _, department := range []string{"Engineering", "Research", "Support", "Sales"} {
		made, err := d.stack.Call(d.ctx, "POST "+d.path("/teams"), d.demo.APIKey, object{"name": department})
		if err != nil {
			return err
		}
		d.teams[department] = Text(made, "team", "id")
	}
	account, err := d.stack.Call(d.ctx, "POST "+d.path("/service-accounts"), d.demo.APIKey, object{"name": "Edge gateway"})
	if err != nil {
		return err
	}
	gateway, err := d.stack.Call(d.ctx, "POST "+d.path("/keys"), d.demo.APIKey, object{
		"name": "edge-1", "user_id": Text(account, "member", "user_id"),
	})
	d.gateway = Text(gateway, "key", "secret")
	return err
}

// live is one day: some people arrive in the first weeks, everyone active uses
// models, and at the end some leave, ask, or wait.
func (d *demonstration) live(day int) error {
	var arriving errgroup.Group
	arriving.SetLimit(4)
	arrived := make([]string, len(people))
	for i, p := range people {
		if p.fate == "invited" || p.fate == "asked" || p.fate == "rejected" || day != i/2 {
			continue
		}
		arriving.Go(func() (err error) {
			arrived[i], err = d.join(p)
			return err
		})
	}
	if err := arriving.Wait(); err != nil {
		return err
	}
	for i, id := range arrived {
		if id != "" {
			d.ids[people[i].email()] = id
		}
	}
	if err := d.use(day); err != nil {
		return err
	}
	for i, p := range people {
		if day == demoDays-7+i%7 {
			if err := d.settle(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// join invites a person, who accepts by the link in the mail.
func (d *demonstration) join(p person) (userID string, err error) {
	if err := d.invite(p); err != nil {
		return "", err
	}
	token, err := d.stack.MailedToken(d.ctx, p.email())
	if err != nil {
		return "", err
	}
	accepted, err := d.stack.Call(d.ctx, "POST /auth/accept-invite", "", object{"token": token, "password": demoPassword, "name": p.name})
	return Text(accepted, "user", "id"), err
}

func (d *demonstration) invite(p person) error {
	invitation := object{
		"email": p.email(), "name": p.name, "role": p.role, "message": "Here is your access to our models.",
		"metadata": object{"department": p.department, "cost_center": strings.ToUpper(p.department[:3]) + "-001"},
	}
	if team := d.teams[p.department]; team != "" {
		invitation["team_ids"] = []string{team}
	}
	_, err := d.stack.Call(d.ctx, "POST "+d.path("/members/invite"), d.demo.APIKey, invitation)
	return err
}

// settle brings a person to how they stand today.
func (d *demonstration) settle(p person) error {
	member := d.path("/members/" + d.ids[p.email()])
	switch p.fate {
	case "suspended":
		_, err := d.stack.Call(d.ctx, "POST "+member+"/suspend", d.demo.APIKey, object{"reason": "Unusual usage patterns"})
		return err
	case "removed":
		_, err := d.stack.Call(d.ctx, "DELETE "+member, d.demo.APIKey, nil)
		delete(d.ids, p.email())
		return err
	case "invited":
		return d.invite(p)
	case "asked", "rejected":
		return d.ask(p)
	}
	return nil
}

func (d *demonstration) ask(p person) error {
	registered, err := d.stack.Call(d.ctx, "POST /auth/register", "", object{"email": p.email(), "password": demoPassword, "name": p.name})
	if err != nil {
		return err
	}
	requested, err := d.stack.Call(d.ctx, "POST "+d.path("/join-requests"), Text(registered, "access_token"),
		object{"message": "I would like to try our models for " + p.department + "."})
	if err != nil || p.fate == "asked" {
		return err
	}
	_, err = d.stack.Call(d.ctx, "POST /api/admin/organization/join-requests/"+Text(requested, "join_request", "id")+"/reject",
		d.demo.APIKey, object{"reason": "Please ask your team lead first"})
	return err
}

// models are priced by the built-in list.
var models = []string{"openai/gpt-4o", "openai/gpt-4o-mini", "anthropic/claude-3.5-sonnet", "mistral/mistral-large"}

// use reports the day's model calls through the gateway.
func (d *demonstration) use(day int) error {
	random := rand.New(rand.NewPCG(uint64(day), 0))
	var events []object
	for i, p := range people {
		user := d.ids[p.email()]
		if user == "" || p.role == "viewer" || p.fate == "suspended" && day > demoDays-8 {
			continue
		}
		for call := range random.IntN(4) {
			model := models[(i+random.IntN(2)*call)%len(models)]
			events = append(events, object{
				"id": fmt.Sprintf("demo-%d-%d-%d", day, i, call), "user_id": user, "model": model,
				"input_tokens": 500 + random.IntN(20_000), "output_tokens": 50 + random.IntN(2_000),
			})
		}
	}
	for len(events) > 0 {
		n := min(len(events), 45)
		if _, err := d.stack.Call(d.ctx, "POST /v1/usage", d.gateway, object{"events": events[:n]}); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// verify follows the verification link in the mail.
func (d *demonstration) verify(address string) error {
	token, err := d.stack.MailedToken(d.ctx, address)
	if err != nil {
		return err
	}
	_, err = d.stack.Call(d.ctx, "POST /auth/verify-email", "", object{"token": token})
	return err
}

func (d *demonstration) path(rest string) string {
	return "/api/organizations/" + d.demo.OrganizationID + rest
}
