// Package member holds the people and service accounts of an organization: their
// role, status and metadata, from the first request to removal.
package member

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/role"
	"roster/internal/spending"
	"roster/internal/table"
	"roster/internal/team"
)

// Kind tells people from service accounts.
type Kind string

const (
	Person         Kind = "person"
	ServiceAccount Kind = "service"
	// Invited is the kind of invitations, which stand in the lists of members as
	// long as they are open. Package invitation holds them.
	Invited Kind = "invitation"
)

// TeamRole is what a member is in a team; see access.TeamRole.
type TeamRole = access.TeamRole

// Status of a membership; see access.Status.
type Status = access.Status

// Member is a user in an organization.
type Member struct {
	// ID and Organization are those of the item's key.
	ID           id.User         `dynamodbav:"-"`
	Organization id.Organization `dynamodbav:"-"`
	// Invitation is the id of the invitation that a row of Kind Invited is.
	Invitation id.Invitation `dynamodbav:"id,omitempty"`
	Kind       Kind          `dynamodbav:"kind"`
	// Email is empty for service accounts.
	Email  email.Address `dynamodbav:"email,omitempty"`
	Name   field.Name    `dynamodbav:"name,omitempty"`
	Alias  field.Label   `dynamodbav:"alias,omitempty"`
	Role   string        `dynamodbav:"role"`
	Status Status        `dynamodbav:"status"`
	// Epoch moves on with every suspension and removal, and when the member's sessions
	// are ended: tokens of an earlier one are dead.
	Epoch int `dynamodbav:"epoch"`
	// SessionsEndedAt is when they were ended last; who logged in before does not enter.
	SessionsEndedAt *time.Time `dynamodbav:"sessions_ended_at,omitempty"`
	Terms           `dynamodbav:"terms"`
	// Request is what a pending member asked.
	Request *JoinRequest `dynamodbav:"request,omitempty"`
	// Granted is the request that was pending when the member was admitted.
	Granted  *JoinRequest `dynamodbav:"granted,omitempty"`
	Metadata Metadata     `dynamodbav:"metadata,omitempty"`
	// MetadataSince is when it was changed last; zero, it never was.
	MetadataSince time.Time `dynamodbav:"metadata_since,unixtime,omitempty"`
	// Keys are the live API keys; KeyCount is how many.
	Keys     map[id.Key]access.KeyRecord `dynamodbav:"keys,omitempty"`
	KeyCount int                         `dynamodbav:"key_count"`
	// TwoFactor: the person has two-factor authentication. A copy of what the
	// account says, so that a call need not read that.
	TwoFactor bool `dynamodbav:"two_factor,omitempty"`
	// AllowedModels are those that the member may call.
	AllowedModels model.List `dynamodbav:"allowed_models,omitempty"`
	// Teams are those that the member is in; package team changes them.
	Teams map[id.Team]TeamRole `dynamodbav:"teams,omitempty"`
	// Responsible is the member who answers for a service account.
	Responsible id.User `dynamodbav:"responsible,omitempty"`
	// Successor is who took over what a removed member shared with others; see
	// Answering.
	Successor id.User `dynamodbav:"successor,omitempty"`
	// Inviter is who answers for the invitation that a row of Kind Invited is.
	Inviter id.User `dynamodbav:"-"`
	// Offer is what the invitation promised besides the role.
	Offer *Offer `dynamodbav:"offer,omitempty"`
	// LastActiveAt is the beginning of the last day, in the organization's time zone,
	// on which the member used models or entered the organization; see Seen.
	LastActiveAt time.Time `dynamodbav:"last_active_at,unixtime,omitempty"`

	// The times are kept as Unix seconds: in text they would be an eighth of a row.
	CreatedAt time.Time `dynamodbav:"created_at,unixtime"`
	UpdatedAt time.Time `dynamodbav:"updated_at,unixtime"`
	Version   int       `dynamodbav:"version"`
}

// Terms are on what a membership stands: what stops or ends it, now or by itself, and
// the policy that goes with it. They are one attribute, for an index carries 20.
type Terms struct {
	Suspension *Suspension `dynamodbav:"suspension,omitempty"`
	// Planned is a suspension that is to begin by itself.
	Planned *Suspension `dynamodbav:"planned_suspension,omitempty"`
	// EndsAt is when the membership ends by itself; zero, it does not. EndsBy is who
	// said so, and EndTold the end of which they were reminded.
	EndsAt  time.Time `dynamodbav:"ends_at,unixtime,omitempty"`
	EndsBy  id.User   `dynamodbav:"ends_by,omitempty"`
	EndTold time.Time `dynamodbav:"end_told,unixtime,omitempty"`
	// Accepted is the policy that the member accepted last.
	Accepted *Acceptance `dynamodbav:"accepted,omitempty"`
	// Limits are what was chosen for the member since they came; nil, what the
	// invitation offered stands.
	Limits *spending.Chosen `dynamodbav:"limits,omitempty"`
	// Temporary are limits that go before these and end by themselves; nil, none do.
	Temporary *spending.Temporary `dynamodbav:"temporary_limits,omitempty"`
}

// Suspension says why a member is suspended, or is to be.
type Suspension = access.Suspension

// JoinRequest is a person's wish to become a member.
type JoinRequest struct {
	ID      id.JoinRequest `dynamodbav:"id"`
	Message field.Text     `dynamodbav:"message,omitempty"`
	At      time.Time      `dynamodbav:"at"`
	// Terms are those that the person was shown in the answer.
	Terms policy.Terms `dynamodbav:"terms,omitempty"`
	// Returning: the person was a member before, and is removed again if the
	// request comes to nothing.
	Returning bool `dynamodbav:"returning,omitempty"`
}

// Offer is kept from an invitation for the parts of Roster that act on it.
type Offer struct {
	TeamIDs      []id.Team `dynamodbav:"team_ids,omitempty" json:"team_ids,omitzero"`
	Preset       string    `dynamodbav:"preset,omitempty" json:"preset,omitzero"`
	MonthlyLimit *string   `dynamodbav:"monthly_limit,omitempty" json:"monthly_limit,omitzero"` // USD, decimal
	DailyLimit   *string   `dynamodbav:"daily_limit,omitempty" json:"daily_limit,omitzero"`     // USD, decimal
	// EndsAt is when the membership is to end.
	EndsAt time.Time `dynamodbav:"ends_at,unixtime,omitempty" json:"membership_ends_at,omitzero"`
}

// item is a Member as the table holds it.
type item struct {
	Member
	table.Row
}

// UnmarshalDynamoDBAttributeValue reads an item of the table or of an index. The
// ids stand in the key alone: fifty rows shall fit into 16 KB.
func (m *Member) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	type fields Member
	if err := attributevalue.Unmarshal(av, (*fields)(m)); err != nil {
		return err
	}
	var key table.Key
	if err := attributevalue.Unmarshal(av, &key); err != nil {
		return err
	}
	m.Organization, m.ID, _ = key.Member()
	if m.Kind != Invited {
		return nil
	}
	var promised struct {
		Invite struct {
			By    id.User `dynamodbav:"by"`
			Offer *Offer  `dynamodbav:"offer"`
		} `dynamodbav:"invite"`
	}
	err := attributevalue.Unmarshal(av, &promised)
	m.Inviter, m.Offer = promised.Invite.By, promised.Invite.Offer
	return err
}

// row places a member in the lists: everyone who is, or asks to be, a member in
// one order; whoever is not active also under their status.
func (m Member) row() table.Row {
	r := table.Row{ListPK: ListPartition(m.Organization), ListSK: m.sortKey(), StatePK: StatePartition(m.Organization, m.Status), StateSK: m.sortKey()}
	switch m.Status {
	case access.Active:
		r.StatePK, r.StateSK = "", ""
	case access.Removed:
		r.ListPK, r.ListSK = "", ""
	}
	return r
}

// sortKey is the address, or a service account's name.
func (m Member) sortKey() string {
	if m.Email != "" {
		return string(m.Email)
	}
	return email.LowerASCII(string(m.Name))
}

// ListPartition is the partition of the list index that holds members and those
// who wait, invitations included, by address.
func ListPartition(org id.Organization) string { return "O#" + string(org) }

// StatePartition is the partition of the state index that holds those of one status.
func StatePartition(org id.Organization, s Status) string {
	return "O#" + string(org) + "#" + string(s)
}

// shownKind is that under which lists have the row: whoever is invited is a person.
func (m Member) shownKind() Kind {
	if m.Kind == Invited {
		return Person
	}
	return m.Kind
}

// DisplayName is what people call the member.
func (m Member) DisplayName() string {
	if m.Name != "" {
		return string(m.Name)
	}
	return string(m.Email)
}

// ETag is the entity tag of the member.
func (m Member) ETag() string { return `"` + strconv.Itoa(m.Version) + `"` }

// activeOwner reports whether the member counts as one of the owners.
func (m Member) activeOwner() bool { return m.Role == permission.Owner && m.Status == access.Active }

// countedTeams are the teams that count the member, in order.
func (m Member) countedTeams() []id.Team {
	if m.present() != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(m.Teams))
}

// countedRole is the role that counts the member; none if they are not there.
func (m Member) countedRole() string {
	if m.present() != nil {
		return ""
	}
	return m.Role
}

var (
	// ErrNotFound: no such member in the caller's organization.
	ErrNotFound = fault.New(fault.NotFound, "member_not_found", "There is no such member.")
	// ErrVersion refuses an If-Match that is not the current ETag.
	ErrVersion = fault.New(fault.Precondition, "version_mismatch", "The member was changed since it was read.")
	// ErrAlreadyMember refuses to add who is there already.
	ErrAlreadyMember = fault.New(fault.Conflict, "already_member", "This person is a member already.")
	// ErrSuspendedMember refuses to bring a suspended member back by another way than unsuspending.
	ErrSuspendedMember = fault.New(fault.Conflict, "member_suspended", "This person is a suspended member; unsuspend them instead.")
)

// Get reads a member of any status; nil if the user never was one.
func Get(ctx context.Context, t *table.Table, org id.Organization, user id.User) (*Member, error) {
	var m *Member
	err := t.Get(ctx, Read(org, user, &m))
	return m, err
}

// Read is the reading of a member among other items.
func Read(org id.Organization, user id.User, into **Member) table.Read {
	return table.Into(table.Member(org, user), into)
}

// Save is the Writes that bring a member from what was read (nil: there was
// none) to what it is to be: the item, its account's list of organizations, the
// count of owners, those of the organization's own roles and teams, and what leads
// function expire to the member. They fail with table.ErrChanged if the member or a new team changed since, with
// organization.ErrLastOwner, and with role.ErrGone.
func Save(read *Member, m Member, now time.Time) []table.Write {
	writes := save(read, m, now)
	switch was := read != nil && read.activeOwner(); {
	case m.activeOwner() && !was:
		writes = append(writes, organization.GainOwner(m.Organization))
	case was && !m.activeOwner():
		writes = append(writes, organization.LoseOwner(m.Organization))
	}
	return writes
}

// exchange is the Writes by which an owner and another member change places: the
// count of owners is the same before and after, and every moment between.
func exchange(owner, was, other, is Member, now time.Time) []table.Write {
	return append(save(&owner, was, now), save(&other, is, now)...)
}

// save is Save but for the count of owners.
func save(read *Member, m Member, now time.Time) []table.Write {
	var before Member
	if read != nil {
		before = *read
	}
	m = m.next(before, now)
	write := table.Write{
		Key: table.Member(m.Organization, m.ID), Put: item{m, m.row()},
		If: table.Absent, Else: table.ErrChanged,
	}
	if read != nil {
		write.If, write.Values = "#version = :read", table.V{"read": before.Version}
	}
	writes := []table.Write{write}
	if read != nil && before.Metadata != m.Metadata {
		writes = append(writes, table.Write{
			Key: table.MetadataBefore(m.Organization, m.ID, now, m.Version), Put: EarlierMetadata{before.Metadata, now.UTC()},
		})
	}
	if was, is := before.countedRole(), m.countedRole(); was != is {
		writes = slices.Concat(writes, role.Lose(m.Organization, was), role.Gain(m.Organization, is))
	}
	for _, is := range m.countedTeams() {
		if !slices.Contains(before.countedTeams(), is) {
			writes = append(writes, team.Gain(m.Organization, is))
		}
	}
	for _, was := range before.countedTeams() {
		if !slices.Contains(m.countedTeams(), was) {
			writes = append(writes, team.Lose(m.Organization, was))
		}
	}
	if was, is := before.due(), m.due(); was != is {
		if was != (table.Key{}) {
			writes = append(writes, table.Write{Key: was, Delete: true})
		}
		if is != (table.Key{}) {
			writes = append(writes, table.Write{Key: is, Put: struct{}{}})
		}
	}
	listed := func(s Status) bool { return s != "" && s != access.Removed }
	pointed := table.Membership(m.ID, m.Organization)
	switch {
	case m.Kind == ServiceAccount:
	case listed(m.Status) && !listed(before.Status):
		writes = append(writes, table.Write{Key: pointed, Put: pointer{m.Organization}})
	case !listed(m.Status) && listed(before.Status):
		writes = append(writes, table.Write{Key: pointed, Delete: true})
	}
	return writes
}

// next is the member as Save stores it.
func (m Member) next(before Member, now time.Time) Member {
	m.CreatedAt, m.UpdatedAt = m.CreatedAt.Truncate(time.Second), now.Truncate(time.Second)
	m.KeyCount, m.Version = len(m.Keys), before.Version+1
	if before.Version > 0 && before.Metadata != m.Metadata {
		m.MetadataSince = m.UpdatedAt
	}
	if m.Role == permission.Owner { // by no path: there is an active owner at every instant
		m.EndsAt, m.EndsBy, m.EndTold, m.Planned = time.Time{}, "", time.Time{}, nil
	}
	return m
}

// CreateFounder is the Writes of the first owner of a new organization, whom
// organization.New has counted.
func CreateFounder(m Member, now time.Time) []table.Write {
	m = m.next(Member{}, now)
	return []table.Write{
		{Key: table.Member(m.Organization, m.ID), Put: item{m, m.row()}, If: table.Absent},
		{Key: table.Membership(m.ID, m.Organization), Put: pointer{m.Organization}},
	}
}
