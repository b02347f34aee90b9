package member

import (
	"context"
	"errors"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/model"
)

// UpdateRequest changes a member.
type UpdateRequest struct {
	User    id.User     `path:"user_id" json:"-"`
	IfMatch api.IfMatch `header:"If-Match" json:"-"`
	Patch
}

// Patch is a merge patch of a member (RFC 7396).
type Patch struct {
	Role             field.Optional[field.Label] `json:"role,omitzero"`
	Status           field.Optional[Standing]    `json:"status,omitzero"`
	SuspensionReason field.Reason                `json:"suspension_reason,omitzero"`
	// SuspendedFrom is when the suspension begins, in the future; at once, where it is
	// not said. Null calls off one that has not begun.
	SuspendedFrom field.Optional[field.Time] `json:"suspended_from,omitzero"`
	// SuspendedUntil is when the suspension ends by itself; null, it does not.
	SuspendedUntil field.Optional[field.Time] `json:"suspended_until,omitzero"`
	// EndsAt is when the membership ends: an instant, or a day, which means its end in
	// the organization's time zone. Null, it does not.
	EndsAt   field.Optional[EndDate]       `json:"ends_at,omitzero"`
	Metadata field.Optional[MetadataPatch] `json:"metadata,omitzero"`
	Name     field.Optional[field.Name]    `json:"name,omitzero"`
	Alias    field.Optional[field.Label]   `json:"alias,omitzero"`
	// AllowedModels are those that the member may call, as far as their role allows
	// them; null stands for all.
	AllowedModels field.Optional[model.List] `json:"allowed_models,omitzero"`
	// Responsible is the active person who answers for a service account.
	Responsible field.Optional[id.User] `json:"responsible,omitzero"`
}

// Standing is a status that a member can be given.
type Standing Status

func (s *Standing) UnmarshalText(b []byte) error {
	switch given := Standing(b); Status(given) {
	case access.Active, access.Suspended:
		*s = given
		return nil
	case access.Removed:
		return errors.New("cannot be set; remove the member by DELETE")
	}
	return errors.New("is neither active nor suspended")
}

// Validate refuses to unset what every member has.
func (p Patch) Validate() []fault.Field {
	var faults []fault.Field
	if p.Role.Given && p.Role.Value == "" {
		faults = append(faults, fault.Field{Pointer: "/role", Reason: "is empty"})
	}
	if p.Status.Null {
		faults = append(faults, fault.Field{Pointer: "/status", Reason: "is neither active nor suspended"})
	}
	if p.SuspensionReason != "" && Status(p.Status.Value) != access.Suspended {
		faults = append(faults, fault.Field{Pointer: "/suspension_reason", Reason: "goes with the status suspended only"})
	}
	for pointer, at := range map[string]field.Optional[field.Time]{"/suspended_from": p.SuspendedFrom, "/suspended_until": p.SuspendedUntil} {
		if at.Given && !at.Null && Status(p.Status.Value) != access.Suspended {
			faults = append(faults, fault.Field{Pointer: pointer, Reason: "goes with the status suspended only"})
		}
	}
	if reason := p.AllowedModels.Value.Fault(); reason != "" {
		faults = append(faults, fault.Field{Pointer: "/allowed_models", Reason: reason})
	}
	if p.Responsible.Null {
		faults = append(faults, fault.Field{Pointer: "/responsible", Reason: "is empty; a service account has someone who answers for it"})
	}
	return faults
}

// UpdateMember merges a patch into a member. A patch that changes nothing writes
// nothing.
func (s Service) UpdateMember(ctx context.Context, by access.Actor, in UpdateRequest) (Answer, error) {
	return change(ctx, s, by, in.User, func(m Member) (Member, error) {
		if !in.IfMatch.Admits(m.ETag()) {
			return m, ErrVersion
		}
		return m.Apply(by, in.Patch, s.Now())
	}, answer)
}

// Apply makes every change of a patch by its own rule.
func (m Member) Apply(by Caller, p Patch, now time.Time) (Member, error) {
	m, err := m.describe(by, p)
	if err == nil && p.AllowedModels.Given {
		m, err = m.AllowModels(by, p.AllowedModels.Value)
	}
	if err == nil && p.Responsible.Given {
		m, err = m.AnsweredForBy(by, p.Responsible.Value)
	}
	if err == nil && p.EndsAt.Null {
		m, err = m.EndAt(by, time.Time{}, now)
	}
	if err == nil && p.Role.Given {
		m, err = m.ChangeRole(by, string(p.Role.Value))
	}
	if err == nil && p.EndsAt.Given && !p.EndsAt.Null {
		m, err = m.EndAt(by, p.EndsAt.Value.In(by.Location()), now)
	}
	if err == nil {
		m, err = m.suspension(by, p, now)
	}
	return m, err
}

// suspension suspends and unsuspends, now or later.
func (m Member) suspension(by Caller, p Patch, now time.Time) (Member, error) {
	var err error
	switch Status(p.Status.Value) {
	case access.Active:
		m, err = m.Unsuspend(by)
	case access.Suspended:
		var s Span
		if s, err = span(p.SuspendedFrom.Value, p.SuspendedUntil.Value, now, "/suspended_from", "/suspended_until"); err == nil {
			m, err = m.SuspendFor(by, p.SuspensionReason, s, now)
		}
	}
	if err == nil && p.SuspendedFrom.Null {
		m, err = m.CallOff(by)
	}
	if err == nil && p.SuspendedUntil.Null {
		m, err = m.WithoutUntil(by)
	}
	return m, err
}

var errUnnamed = fault.InvalidField("/name", "is empty; a service account has no other name")

// describe changes what an organization says about a member.
func (m Member) describe(by Caller, p Patch) (Member, error) {
	if !p.Metadata.Given && !p.Name.Given && !p.Alias.Given {
		return m, nil
	}
	if err := m.present(); err != nil {
		return m, err
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	p.Name.Merge(&m.Name)
	p.Alias.Merge(&m.Alias)
	if m.Kind == ServiceAccount && m.Name == "" {
		return m, errUnnamed
	}
	switch {
	case p.Metadata.Null:
		m.Metadata = ""
	case p.Metadata.Given:
		merged, err := m.Metadata.Merge(p.Metadata.Value)
		if err != nil {
			return m, fault.InvalidField("/metadata", err.Error())
		}
		m.Metadata = merged
	}
	return m, nil
}
