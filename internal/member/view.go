package member

import (
	"maps"
	"slices"
	"time"

	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/money"
	"roster/internal/policy"
	"roster/internal/spending"
)

// Row is a member as lists and answers show it. Whoever waits to become one has
// no UserID, and is acted on by InvitationID or RequestID.
type Row struct {
	UserID       *id.User       `json:"user_id"`
	InvitationID id.Invitation  `json:"invitation_id,omitzero"`
	RequestID    id.JoinRequest `json:"request_id,omitzero"`
	// Email is empty for service accounts.
	Email    email.Address `json:"email"`
	Name     field.Name    `json:"name"`
	Alias    field.Label   `json:"alias"`
	Role     string        `json:"role"`
	Status   Status        `json:"status"`
	Kind     Kind          `json:"kind"`
	Metadata Metadata      `json:"metadata"`
	// Suspension is why and since when a suspended member is, and until when.
	Suspension *SuspensionView `json:"suspension,omitzero"`
	// ScheduledSuspension is one that is to begin.
	ScheduledSuspension *ScheduledSuspensionView `json:"scheduled_suspension,omitzero"`
	// EndsAt is when the membership ends, or, of who waits to become a member, is to
	// end; null, it does not.
	EndsAt *time.Time `json:"ends_at"`
	// Teams are those that the member is in, in the order of their making.
	Teams []TeamView `json:"teams"`
	// Keys is how many API keys there are.
	Keys int `json:"keys"`
	// Spend is what the member spent in the current month; told where members are
	// read, not where they are changed, as are the limits.
	Spend *money.Amount `json:"spend,omitzero"`
	// MonthlyLimit and DailyLimit are what binds the member; null is unlimited.
	MonthlyLimit *money.Amount `json:"monthly_limit"`
	DailyLimit   *money.Amount `json:"daily_limit"`
	// AllowedModels are those that the member may call, as far as their role allows
	// them; told of one member, not in lists. Absent, all.
	AllowedModels model.List `json:"allowed_models,omitzero"`
	// Limits are the same with where they come from; told of one member, not in lists.
	Limits *spending.Binding `json:"limits,omitzero"`
	// Responsible is who answers for a service account; where it is orphaned, that is
	// no active person any more. It is told where members are read, not where they are
	// changed.
	Responsible id.User `json:"responsible,omitzero"`
	Orphaned    bool    `json:"orphaned,omitzero"`
	// Successor is who took over what a removed member shared with others.
	Successor id.User `json:"successor,omitzero"`
	// Policy is which version of the organization's policy the member accepted last,
	// when and how; null, none. It may be older than the current one.
	Policy *PolicyView `json:"policy"`
	SSOID  *string     `json:"sso_id"`
	// OutsideAllowedDomains: the organization names domains whose addresses may become
	// members, and the address is of none of them; told where members are read.
	OutsideAllowedDomains bool `json:"outside_allowed_domains,omitzero"`
	// LastActiveAt says the day: the instant when it began in the organization's
	// time zone. Null is never.
	LastActiveAt *time.Time `json:"last_active_at"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
}

// TeamView is a team that a member is in.
type TeamView struct {
	ID   id.Team  `json:"id"`
	Role TeamRole `json:"role"`
}

// PolicyView is an Acceptance.
type PolicyView struct {
	Version int `json:"version"`
	// URL is where the accepted version is, if it is the current one; where members are
	// read. That of an earlier one stands in the audit event.
	URL        field.URL `json:"url,omitzero"`
	AcceptedAt time.Time `json:"accepted_at"`
	How        Accepting `json:"how"`
}

// SuspensionView is a Suspension as administrators see it.
type SuspensionView struct {
	Reason field.Reason `json:"reason"`
	By     id.User      `json:"by"`
	At     time.Time    `json:"at"`
	// Until is when it ends by itself.
	Until time.Time `json:"until,omitzero"`
}

// ScheduledSuspensionView is a Suspension that has not begun.
type ScheduledSuspensionView struct {
	Reason field.Reason `json:"reason"`
	By     id.User      `json:"by"`
	From   time.Time    `json:"from"`
	Until  time.Time    `json:"until,omitzero"`
}

// View is the member as answers show it, but for what they spent and what binds them.
func (m Member) View() Row { return m.view() }

func (m Member) view() Row {
	row := Row{
		Email: m.Email, Name: m.Name, Alias: m.Alias, Role: m.Role, Status: m.Status, Kind: m.shownKind(),
		Metadata: m.Metadata, AllowedModels: m.AllowedModels, Suspension: (*SuspensionView)(m.Suspension),
		Keys: m.KeyCount, Responsible: m.Responsible, Successor: m.Successor, CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(),
	}
	if !m.LastActiveAt.IsZero() {
		row.LastActiveAt = new(m.LastActiveAt.UTC())
	}
	if p := m.Planned; p != nil {
		row.ScheduledSuspension = &ScheduledSuspensionView{Reason: p.Reason, By: p.By, From: p.At, Until: p.Until}
	}
	if a := m.Accepted; a != nil {
		row.Policy = &PolicyView{Version: a.Version, AcceptedAt: a.At.UTC(), How: a.How}
	}
	ends := m.EndsAt
	if m.Kind == Invited && m.Offer != nil {
		ends = m.Offer.EndsAt
	}
	if !ends.IsZero() {
		row.EndsAt = new(ends.UTC())
	}
	row.Teams = make([]TeamView, 0, len(m.Teams))
	for _, team := range slices.Sorted(maps.Keys(m.Teams)) {
		row.Teams = append(row.Teams, TeamView{team, m.Teams[team]})
	}
	switch {
	case m.Kind == Invited:
		row.InvitationID = m.Invitation
	case m.Request != nil:
		row.RequestID = m.Request.ID
	default:
		row.UserID = &m.ID
	}
	return row
}

// under completes what the member accepted by where it is, if that is current; where
// there is no policy any more, none is shown.
func (r *Row) under(t policy.Terms) {
	switch {
	case t.Version == 0:
		r.Policy = nil
	case r.Policy != nil && r.Policy.Version == t.Version:
		r.Policy.URL = t.URL
	}
}

// domainsOf completes whether the organization would not admit the address any more.
func (r *Row) domainsOf(p policy.Policy) {
	r.OutsideAllowedDomains = r.Email != "" && p.Join(r.Email) != nil
}

// Answer is one member.
type Answer struct {
	Member Row `json:"member"`
	etag   string
}

// ETag is the entity tag of the member.
func (a Answer) ETag() string { return a.etag }

func (a Answer) of(t policy.Terms) Answer {
	a.Member.under(t)
	return a
}

func answer(m Member) Answer { return Answer{m.view(), m.ETag()} }
