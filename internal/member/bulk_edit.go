package member

import (
	"context"
	"fmt"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/field"
)

// BulkEditRequest changes many members alike.
type BulkEditRequest struct {
	// DryRun only tells what would become of each entry.
	DryRun  bool        `query:"dry_run" json:"-"`
	UserIDs []Reference `json:"user_ids,omitzero"`
	Changes Changes     `json:"changes" required:"true"`
}

// Changes is a merge patch of each of the members (RFC 7396).
type Changes struct {
	Role             field.Optional[field.Label]   `json:"role,omitzero"`
	Status           field.Optional[Standing]      `json:"status,omitzero"`
	SuspensionReason field.Reason                  `json:"suspension_reason,omitzero"`
	Metadata         field.Optional[MetadataPatch] `json:"metadata,omitzero"`
	Alias            field.Optional[field.Label]   `json:"alias,omitzero"`
}

func (c Changes) patch() Patch {
	return Patch{
		Role: c.Role, Status: c.Status, SuspensionReason: c.SuspensionReason, Metadata: c.Metadata, Alias: c.Alias,
	}
}

// Validate refuses what the patch of one member would be refused for.
func (in *BulkEditRequest) Validate() []fault.Field {
	faults := listed(in.UserIDs, "is required")
	for _, f := range in.Changes.patch().Validate() {
		f.Pointer = "/changes" + f.Pointer
		faults = append(faults, f)
	}
	return faults
}

// listed refuses a list of no or too many members; missing says what an empty one
// lacks.
func listed(named []Reference, missing string) []fault.Field {
	switch n := len(named); {
	case n == 0:
		return []fault.Field{{Pointer: "/user_ids", Reason: missing}}
	case n > bulkAtOnce:
		return []fault.Field{{Pointer: "/user_ids", Reason: fmt.Sprintf("names more than %d members", bulkAtOnce)}}
	}
	return nil
}

// BulkEdit merges one patch into many members, each by the rules of UpdateMember.
func (s Service) BulkEdit(ctx context.Context, by access.Actor, in BulkEditRequest) (BulkAnswer, error) {
	patch, now := in.Changes.patch(), s.Now()
	return s.bulk(ctx, by, in.UserIDs, in.DryRun, func(m Member) (Member, error) {
		return m.Apply(by, patch, now)
	})
}
