package job

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/table"
)

// Status is what a row came to.
type Status string

const (
	RowDone      Status = "done"
	RowUnchanged Status = "unchanged"
	RowFailed    Status = "failed"
)

// Result is what one row came to.
type Result struct {
	// Index is the row's place in the request, from 0.
	Index int `json:"index"`
	Subject
	Status Status `json:"status"`
	// Code and Detail say why a row failed, or in which of several ways it did not.
	Code   string `json:"code,omitzero"`
	Detail string `json:"detail,omitzero"`
	// Invitation is that which the row made or found.
	Invitation *Invitation `json:"invitation,omitzero"`
}

// Invitation is what the result of an invited address shows of it.
type Invitation struct {
	ID id.Invitation `json:"id"`
	// Link is shown to whoever created the job, where the row made it. It may be
	// copied and shared.
	Link string `json:"link,omitzero"`
}

// resultItem is a result as the table holds it, its link sealed.
type resultItem struct {
	Index int `dynamodbav:"index"`
	Subject
	Status     Status        `dynamodbav:"status"`
	Code       string        `dynamodbav:"code,omitempty"`
	Detail     string        `dynamodbav:"detail,omitempty"`
	Invitation id.Invitation `dynamodbav:"invitation,omitempty"`
	Link       string        `dynamodbav:"link,omitempty"`
	TTL        int64         `dynamodbav:"ttl"`
}

// errThrough: the row has a result already.
var errThrough = errors.New("job: the row is through")

// put is the Write of a result, which admits one for each row. It comes first among
// the writes of the row: of a row that is through, nothing else is to be heard.
func (i resultItem) put(job id.Job) table.Write {
	return table.Write{Key: table.JobResult(job, i.Index), Put: i, If: table.Absent, Else: errThrough}
}

// succeeded is the result of a row that did not fail.
func succeeded(ctx context.Context, e *env.Env, j Job, index int, of Subject, o Outcome) (resultItem, error) {
	i := resultItem{
		Index: index, Subject: of, Status: RowDone, Code: o.Code, Detail: o.Detail, Invitation: o.Invitation, TTL: j.TTL,
	}
	if o.Unchanged {
		i.Status = RowUnchanged
	}
	if o.Link == "" {
		return i, nil
	}
	keys, err := e.Keys(ctx)
	if err != nil {
		return i, err
	}
	i.Link = keys.Seal([]byte(o.Link), linkUse(j.ID, index))
	return i, nil
}

func linkUse(job id.Job, index int) string { return fmt.Sprintf("%s\n%d", job, index) }

// errInternal is the failure of a row by a fault of Roster's own.
var errInternal = fault.New(0, "internal", "Something went wrong on our side with this row.")

// failed is the result of a row that failed.
func failed(j Job, index int, of Subject, cause error) resultItem {
	f, ok := errors.AsType[*fault.Error](cause)
	if !ok {
		f = errInternal
	}
	return resultItem{Index: index, Subject: of, Status: RowFailed, Code: f.Code, Detail: Detail(f), TTL: j.TTL}
}

// detailBytes bounds a stored detail.
const detailBytes = 500

// Detail says in one line what is wrong, by place where the fault names places.
func Detail(f *fault.Error) string {
	detail := f.Detail
	if len(f.Fields) > 0 {
		reasons := make([]string, len(f.Fields))
		for i, field := range f.Fields {
			reasons[i] = strings.TrimSpace(strings.TrimPrefix(field.Pointer, "/") + " " + field.Reason)
		}
		detail = strings.Join(reasons, "; ") + "."
	}
	if len(detail) > detailBytes {
		detail = strings.ToValidUTF8(detail[:detailBytes], "") + "…"
	}
	return detail
}
