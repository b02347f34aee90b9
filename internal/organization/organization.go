// Package organization holds the tenants: their settings, their status, and the
// count of owners by which the last one stays.
package organization

import (
	"context"
	"slices"
	"strconv"
	"time"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/spending"
	"roster/internal/table"
)

var (
	// ErrLastOwner refuses what would leave no active owner.
	ErrLastOwner = fault.New(fault.Conflict, "last_owner", "An organization keeps at least one active owner.")
	// ErrVersion refuses an If-Match that is not the current ETag.
	ErrVersion = fault.New(fault.Precondition, "version_mismatch", "The organization was changed since it was read.")
)

// Status of an organization.
type Status string

const (
	Active    Status = "active"
	Suspended Status = "suspended"
	// Deleting: its owners may restore it until its grace is over.
	Deleting Status = "deleting"
	// Deleted: the grace is over, and its data are being erased.
	Deleted Status = "deleted"
)

// Organization is a tenant.
type Organization struct {
	ID     id.Organization `dynamodbav:"id"`
	Name   field.Name      `dynamodbav:"name"`
	Status Status          `dynamodbav:"status"`
	// SuspensionReason is what those who run the deployment said.
	SuspensionReason field.Reason `dynamodbav:"suspension_reason,omitempty"`
	// Deletion says who deletes the organization; nil where nobody does. DeletesAt is
	// the end of the grace.
	Deletion  *Deletion `dynamodbav:"deletion,omitempty"`
	DeletesAt time.Time `dynamodbav:"expires_at,omitempty"`
	// Telling is what members are still to hear by mail; nil, nothing.
	Telling *Telling `dynamodbav:"telling,omitempty"`
	// Owners is how many active owners there are.
	Owners int `dynamodbav:"owners"`

	TimeZone            field.TimeZone        `dynamodbav:"time_zone"`
	AllowJoinRequests   bool                  `dynamodbav:"allow_join_requests"`
	AutoApproveRequests bool                  `dynamodbav:"auto_approve_requests"`
	AutoApproveDomains  []email.DomainPattern `dynamodbav:"auto_approve_domains,omitempty"`
	// DefaultRole is the role of whoever joins by a request, or is invited to none.
	DefaultRole string `dynamodbav:"default_role"`
	// DefaultMonthlyLimit and DefaultDailyLimit are those of members who have none
	// of their own; nil is unlimited.
	DefaultMonthlyLimit *money.Amount `dynamodbav:"default_monthly_limit,omitempty"`
	DefaultDailyLimit   *money.Amount `dynamodbav:"default_daily_limit,omitempty"`
	// DefaultRequestsPerMinute, DefaultTokensPerMinute and DefaultMaxInFlight are those of
	// members who have none of their own; nil is unlimited.
	DefaultRequestsPerMinute *spending.Count `dynamodbav:"default_requests_per_minute,omitempty"`
	DefaultTokensPerMinute   *spending.Count `dynamodbav:"default_tokens_per_minute,omitempty"`
	DefaultMaxInFlight       *spending.Count `dynamodbav:"default_max_in_flight,omitempty"`
	// LimitMode is how limits apply; empty is spending.Balanced.
	LimitMode spending.Mode `dynamodbav:"limit_mode,omitempty"`
	// AlertThresholds are percentages of a limit at which a warning goes out; nil is
	// DefaultThresholds.
	AlertThresholds Thresholds `dynamodbav:"alert_thresholds"`
	InvitationDays  int        `dynamodbav:"invitation_days"`
	// EventRetentionDays is how long single usage events are kept; 0 is
	// access.DefaultEventRetention.
	EventRetentionDays RetentionDays `dynamodbav:"event_retention_days,omitempty"`
	WelcomeMessage     field.Text    `dynamodbav:"welcome_message,omitempty"`
	GuidelinesURL      field.URL     `dynamodbav:"guidelines_url,omitempty"`
	PolicyURL          field.URL     `dynamodbav:"policy_url,omitempty"`
	// PolicyVersion counts the versions of what is at PolicyURL; see Terms.
	PolicyVersion PolicyVersion `dynamodbav:"policy_version,omitempty"`
	// RequirePolicyAcceptance refuses persons who have not accepted the current one.
	RequirePolicyAcceptance bool `dynamodbav:"require_policy_acceptance,omitempty"`

	// RequireConnection refuses models to whose provider there is no connection.
	RequireConnection bool `dynamodbav:"require_connection,omitempty"`
	// Connections tells to which providers there is one; nil: there never was.
	Connections *access.Connections `dynamodbav:"connections,omitempty"`

	// Policy is what it demands of how its members log in.
	Policy policy.Policy `dynamodbav:"policy,omitempty"`
	// Roles are the organization's own ones; package role changes them.
	Roles permission.Roles `dynamodbav:"roles,omitempty"`
	// TeamModels are those that the members of a team may call, of the teams that name
	// any; package team changes them.
	TeamModels map[id.Team]model.List `dynamodbav:"team_models,omitempty"`

	CreatedAt time.Time `dynamodbav:"created_at"`
	UpdatedAt time.Time `dynamodbav:"updated_at"`
	// Version counts changes of the settings; the ETag is made of it.
	Version int `dynamodbav:"version"`
}

// item is an Organization as the table holds it.
type item struct {
	Organization
	table.Row
}

// platformList is the partition of the list index that holds every organization.
const platformList = "PF"

// New returns an organization with the default settings and one owner.
func New(now time.Time, name field.Name) Organization {
	o := defaults
	o.ID, o.Name, o.Status, o.Owners = id.NewOrganization(now), name, Active, 1
	o.CreatedAt, o.UpdatedAt, o.Version = now, now, 1
	return o
}

// Create is the Write of a new organization.
func Create(o Organization) table.Write {
	return table.Write{Key: table.Organization(o.ID), Put: o.item(), If: table.Absent}
}

func (o Organization) item() item {
	row := table.Row{ListPK: platformList, ListSK: string(o.ID)}
	if at, due := o.due(); due {
		row.StatePK, row.StateSK = dueList, dueUntil(at)+string(o.ID)
	}
	return item{o, row}
}

// Save returns an organization that was read and changed as it will be, and the
// Write. It fails with table.ErrChanged if the organization changed since; the
// count of owners and the connections do so without a new version.
func Save(read, o Organization, now time.Time) (Organization, table.Write) {
	o.UpdatedAt, o.Version = now, read.Version+1
	values := table.V{"read": read.Version, "owners": read.Owners}
	return o, table.Write{
		Key: table.Organization(o.ID), Put: o.item(),
		If:     "#version = :read AND #owners = :owners AND " + read.Connections.Unchanged(values),
		Values: values,
		Else:   table.ErrChanged,
	}
}

// Get reads an organization; nil if there is none.
func Get(ctx context.Context, t *table.Table, org id.Organization) (*Organization, error) {
	var o *Organization
	err := t.Get(ctx, Read(org, &o))
	return o, err
}

// Read is the reading of an organization among other items.
func Read(org id.Organization, into **Organization) table.Read {
	return table.Into(table.Organization(org), into)
}

// Terms are the version of the policy that members are to accept.
func (o Organization) Terms() policy.Terms {
	return policy.TermsAt(o.PolicyURL, int(o.PolicyVersion))
}

// ETag is the entity tag of the settings.
func (o Organization) ETag() string { return `"` + strconv.Itoa(o.Version) + `"` }

// Admit returns why nobody may do anything in the organization; nil if its members
// may.
func (o Organization) Admit() error { return access.AdmitTo(string(o.Status)) }

// AutoApproves reports whether a person who asks to join is let in at once:
// with domains named, those of a matching verified address, otherwise everyone
// with a verified address.
func (o Organization) AutoApproves(address email.Address, verified bool) bool {
	if !o.AllowJoinRequests || !o.AutoApproveRequests || !verified {
		return false
	}
	return len(o.AutoApproveDomains) == 0 ||
		slices.ContainsFunc(o.AutoApproveDomains, func(p email.DomainPattern) bool { return p.Matches(address) })
}

// GainOwner counts one more active owner.
func GainOwner(org id.Organization) table.Write {
	return table.Write{
		Key: table.Organization(org), Update: "ADD #owners :one",
		If: table.Present, Values: table.V{"one": 1},
	}
}

// LoseOwner counts one less, and refuses with ErrLastOwner to count none.
func LoseOwner(org id.Organization) table.Write {
	return table.Write{
		Key: table.Organization(org), Update: "ADD #owners :less",
		If: "#owners > :one", Values: table.V{"less": -1, "one": 1},
		Else: ErrLastOwner,
	}
}
