package job

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/id"
	"roster/internal/table"
)

// partBytes bounds a part of the input before it is compressed, and so its item,
// which may have 400 KB.
const partBytes = 340 << 10

// part is a part of the input as the table holds it.
type part struct {
	Rows []byte `dynamodbav:"rows"` // a JSON list, compressed (RFC 1951)
	TTL  int64  `dynamodbav:"ttl"`
}

// split cuts rows into parts, each of at least one row.
func split(rows []jsontext.Value) [][]jsontext.Value {
	var parts [][]jsontext.Value
	size := partBytes
	for _, row := range rows {
		if size += len(row) + 1; size > partBytes {
			parts = append(parts, nil)
			size = len(row) + 1
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], row)
	}
	return parts
}

// writePart is the Write of a part.
func (j Job) writePart(n int, rows []jsontext.Value) (table.Write, error) {
	raw, err := json.Marshal(rows)
	if err != nil {
		return table.Write{}, err
	}
	var compressed bytes.Buffer
	w, err := flate.NewWriter(&compressed, flate.BestSpeed)
	if err != nil {
		return table.Write{}, err
	}
	if _, err := w.Write(raw); err != nil {
		return table.Write{}, err
	}
	if err := w.Close(); err != nil {
		return table.Write{}, err
	}
	return table.Write{Key: table.JobInput(j.ID, n), Put: part{compressed.Bytes(), j.TTL}}, nil
}

func readPart(ctx context.Context, t *table.Table, job id.Job, n int) ([]jsontext.Value, error) {
	var p *part
	if err := t.Get(ctx, table.Into(table.JobInput(job, n), &p)); err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fmt.Errorf("job: %s has lost part %d of its input", job, n)
	}
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(p.Rows)))
	if err != nil {
		return nil, err
	}
	var rows []jsontext.Value
	err = json.Unmarshal(raw, &rows)
	return rows, err
}
