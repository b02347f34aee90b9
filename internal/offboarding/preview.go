package offboarding

import (
	"context"
	"maps"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/apikey"
	"roster/internal/connection"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/job"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/session"
	"roster/internal/spent"
	"roster/internal/table"
	"roster/internal/user"
)

// Fate is what becomes of something when a member is removed.
type Fate string

const (
	// Revoked: it ends with the membership.
	Revoked Fate = "revoked"
	// Stays: it goes on as it is.
	Stays Fate = "stays"
	// Transferred: it goes to whoever takes over.
	Transferred Fate = "transferred"
	// Orphaned: it goes on, and nobody answers for it.
	Orphaned Fate = "orphaned"
	// Dead: it is of no use already, since the member may not grant it any more.
	Dead Fate = "dead"
)

// Preview shows what a member has and shares, and what their removal would do to it.
// Of each kind it counts all, and shows the first 100; which connections and keys those
// are, only to whoever may list them.
type Preview struct {
	// Keys are the member's own.
	Keys Keys `json:"keys"`
	// Sessions are the member's in this organization.
	Sessions Sessions `json:"sessions"`
	Teams    []Team   `json:"teams"`
	// ServiceAccounts are those for which the member answers.
	ServiceAccounts ServiceAccounts `json:"service_accounts"`
	// MadeKeys are other members' keys whose secrets the member knows: rotate them.
	MadeKeys Keys `json:"made_keys"`
	// Invitations are open ones that the member sent.
	Invitations Invitations `json:"invitations"`
	// Connections are the organization's that the member stored.
	Connections Connections `json:"connections"`
	// PersonalConnections belong to the person, and stay with them.
	PersonalConnections Counted `json:"personal_connections"`
	// Jobs are the member's that are not at their end, of the organization's newest 100:
	// without their membership, what is left of these fails.
	Jobs []job.View `json:"jobs"`
}

// Counted is how many there are of something, and what becomes of them.
type Counted struct {
	Count int  `json:"count"`
	Fate  Fate `json:"fate"`
}

// Keys are API keys.
type Keys struct {
	Counted
	Keys []apikey.View `json:"keys,omitzero"`
}

// Sessions are log-ins in the organization.
type Sessions struct {
	Counted
	// LastUsedAt is when tokens were last renewed.
	LastUsedAt *time.Time `json:"last_used_at"`
}

// Team is one in which the member is. Fate says what becomes of its management, where
// nobody else manages it.
type Team struct {
	ID   id.Team         `json:"id"`
	Role member.TeamRole `json:"role"`
	Fate Fate            `json:"fate"`
}

// ServiceAccounts are service accounts.
type ServiceAccounts struct {
	Counted
	ServiceAccounts []member.Row `json:"service_accounts"`
}

// Invitations are open invitations.
type Invitations struct {
	Counted
	Invitations []InvitationFate `json:"invitations"`
}

// InvitationFate is an invitation, and what becomes of it.
type InvitationFate struct {
	invitation.View
	Fate Fate `json:"fate"`
}

// Connections are the organization's connections.
type Connections struct {
	Counted
	Connections []connection.View `json:"connections,omitzero"`
}

// removable reads a member whom the caller may remove, on these terms.
func (s Service) removable(ctx context.Context, by access.Actor, user id.User, t Terms) (member.Member, error) {
	var (
		m   *member.Member
		org *organization.Organization
	)
	if err := s.Table.Get(ctx, member.Read(by.Organization(), user, &m), organization.Read(by.Organization(), &org)); err != nil {
		return member.Member{}, err
	}
	if m != nil && m.At(s.Now()).Status != access.Ended {
		m = new(m.At(s.Now())) // a preview writes down nothing that has changed by itself
	}
	p, err := s.members.Propose(ctx, by, m, t.removal(by))
	if err != nil {
		return member.Member{}, err
	}
	if p.Before.Status == access.Active && p.Before.Role == permission.Owner && org != nil && org.Owners < 2 {
		return member.Member{}, organization.ErrLastOwner
	}
	return p.Before, nil
}

// preview shows what a removal would do. What the removal would be refused for, the
// preview is refused for too.
func (s Service) preview(ctx context.Context, by access.Actor, user id.User, t Terms) (RemovedAnswer, error) {
	m, err := s.removable(ctx, by, user, t)
	if err != nil {
		return RemovedAnswer{}, err
	}
	l, err := s.list(ctx, m)
	if err != nil {
		return RemovedAnswer{}, err
	}
	reading := l
	if !t.given() {
		reading = l.first(shown)
	}
	all, err := s.read(ctx, m, reading)
	if err != nil {
		return RemovedAnswer{}, err
	}
	if _, err := s.decide(ctx, by, all, t); err != nil {
		return RemovedAnswer{}, err
	}
	p := t.show(by, all, l)
	if p.Sessions, err = s.sessions(ctx, m); err != nil {
		return RemovedAnswer{}, err
	}
	if p.PersonalConnections.Count, err = connection.CountPersonal(ctx, s.Env, m.ID); err != nil {
		return RemovedAnswer{}, err
	}
	if p.Jobs, err = job.OpenBy(ctx, s.Env, m.Organization, m.ID); err != nil {
		return RemovedAnswer{}, err
	}
	p.Invitations.Invitations = s.invitationFates(by, all, p.Invitations.Fate)
	costs, err := spent.Of(ctx, s.Table, m.Organization, spent.Month(s.Now(), by.Location()), []id.User{m.ID})
	if err != nil {
		return RemovedAnswer{}, err
	}
	out := RemovedAnswer{Member: m.View(), Preview: &p}
	out.Member.Spend = new(costs[m.ID])
	return out, nil
}

// show is the preview of what was read.
func (t Terms) show(by access.Actor, all shared, l listed) Preview {
	handed, made := Orphaned, Orphaned
	if t.TransferTo != "" {
		handed = Transferred
	}
	if t.RevokeMadeKeys {
		made = Revoked
	}
	p := Preview{
		Keys:                Keys{Counted: Counted{len(all.of.Keys), Revoked}},
		MadeKeys:            Keys{Counted: Counted{0, made}},
		ServiceAccounts:     ServiceAccounts{Counted{count(l.services, len(all.services)), handed}, []member.Row{}},
		Invitations:         Invitations{Counted: Counted{count(l.invitations, len(all.invitations)), handed}},
		Connections:         Connections{Counted: Counted{len(all.connections), handed}},
		PersonalConnections: Counted{Fate: Stays},
		Teams:               []Team{},
	}
	for _, of := range slices.Sorted(maps.Keys(all.of.Teams)) {
		fate := Stays
		if slices.Contains(all.teams, of) {
			fate = handed
		}
		p.Teams = append(p.Teams, Team{of, all.of.Teams[of], fate})
	}
	for _, service := range all.services[:min(shown, len(all.services))] {
		p.ServiceAccounts.ServiceAccounts = append(p.ServiceAccounts.ServiceAccounts, service.View())
	}
	var keys []apikey.View
	for _, holder := range all.holders {
		keys = append(keys, apikey.Views(holder, all.of.ID)...)
	}
	p.MadeKeys.Count = len(keys)
	if by.Can(permission.KeysManage) {
		p.Keys.Keys, p.MadeKeys.Keys = apikey.Views(all.of, ""), keys[:min(shown, len(keys))]
	}
	if by.Can(permission.ConnectionsManage) {
		p.Connections.Connections = connection.Views(all.connections)
	}
	return p
}

// count is how many there are: what was read, or, where not all was, what is listed.
func count(listed []string, read int) int {
	if len(listed) > shown {
		return len(listed)
	}
	return read
}

func (s Service) invitationFates(by access.Actor, all shared, fate Fate) []InvitationFate {
	fates := []InvitationFate{}
	views := s.invitations.Views(all.invitations)
	for n, i := range all.invitations[:min(shown, len(all.invitations))] {
		one := InvitationFate{views[n], fate}
		if !i.Acceptable(all.of, by.Roles()) {
			one.Fate = Dead
		}
		fates = append(fates, one)
	}
	return fates
}

// sessions counts the member's sessions that are in the organization.
func (s Service) sessions(ctx context.Context, m member.Member) (Sessions, error) {
	all := Sessions{Counted: Counted{Fate: Revoked}}
	account, err := user.Get(ctx, s.Table, m.ID)
	if err != nil || account == nil {
		return all, err
	}
	items, err := s.Table.QueryAll(ctx, table.Query{PK: table.User(m.ID).PK, Prefix: table.SessionPrefix})
	if err != nil {
		return all, err
	}
	found, err := table.DecodeAll[session.Session](items)
	for _, one := range found {
		if one.Organization != m.Organization || one.Epoch != m.Epoch || one.IsEndedIn(m.Organization) || !one.Live(account.SessionEpoch, s.Now()) {
			continue
		}
		all.Count++
		if all.LastUsedAt == nil || one.RotatedAt.After(*all.LastUsedAt) {
			all.LastUsedAt = new(one.RotatedAt.UTC())
		}
	}
	return all, err
}
