package apikey

import (
	"context"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/model"
)

// UpdateRequest is a merge patch of a key (RFC 7396).
type UpdateRequest struct {
	Key  id.Key                      `path:"key_id" json:"-"`
	Name field.Optional[field.Label] `json:"name,omitzero"`
	// ExpiresAt is in the future, at most 10 years ahead; null is never.
	ExpiresAt field.Optional[field.Time] `json:"expires_at,omitzero"`
	// AllowedModels are those that the key may call; null stands for all that its
	// member may.
	AllowedModels field.Optional[model.List] `json:"allowed_models,omitzero"`
}

// UpdatedAnswer is a key as it is now.
type UpdatedAnswer struct {
	Key View `json:"key"`
}

// Validate refuses a key without a name, and a list that is none.
func (in UpdateRequest) Validate() []fault.Field {
	var faults []fault.Field
	if in.Name.Given && in.Name.Value == "" {
		faults = append(faults, fault.Field{Pointer: "/name", Reason: "is empty"})
	}
	return append(faults, listFaults(in.AllowedModels.Value)...)
}

func listFaults(l model.List) []fault.Field {
	if reason := l.Fault(); reason != "" {
		return []fault.Field{{Pointer: "/allowed_models", Reason: reason}}
	}
	return nil
}

// UpdateKey merges a patch into a key. A patch that changes nothing writes nothing.
func (s Service) UpdateKey(ctx context.Context, by access.Actor, in UpdateRequest) (UpdatedAnswer, error) {
	return change(ctx, s, by, in.Key, audit.KeyUpdated, func(_ member.Member, k access.KeyRecord) (access.KeyRecord, error) {
		if in.Name.Given {
			k.Name = string(in.Name.Value)
		}
		if in.ExpiresAt.Given {
			k.ExpiresAt = in.ExpiresAt.Value.Time()
			if err := mayExpire(k.ExpiresAt, s.Now()); err != nil {
				return k, err
			}
		}
		in.AllowedModels.Merge(&k.AllowedModels)
		return k, nil
	}, func(k access.KeyRecord) UpdatedAnswer { return UpdatedAnswer{view(in.Key.User(), in.Key, k)} })
}
