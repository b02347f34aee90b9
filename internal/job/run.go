package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/table"
)

// Kinds makes the kinds of jobs that a feature has.
type Kinds func(*env.Env) []Kind

// Runner runs jobs.
type Runner struct {
	*env.Env
	kinds map[string]Kind
	// keepEvery is how often the lease is renewed of what takes longer.
	keepEvery time.Duration
}

// NewRunner makes a Runner of these kinds. It panics if two share a name: a
// programming error.
func NewRunner(e *env.Env, features ...Kinds) Runner {
	r := Runner{e, map[string]Kind{}, lease / 3}
	for _, kinds := range features {
		for _, k := range kinds(e) {
			if _, taken := r.kinds[k.name]; taken {
				panic("job: two kinds are called " + k.name)
			}
			r.kinds[k.name] = k
		}
	}
	return r
}

const (
	// workers is how many rows of a job are done at once.
	workers = 16
	// batch is how many rows are done between two notes of progress.
	batch = 250
	// slice is how long a runner works on a job before it hands it on, so that
	// others have their turn; less where the function has less time.
	slice = 20 * time.Second
	// reserve is what a runner keeps of its function's time to end the rows that it
	// has begun, and to hand the job on.
	reserve = 8 * time.Second
)

// errStalled ends a job that comes no further.
var errStalled = fault.New(0, "stalled", "The job came no further in many attempts.")

// run is one runner's work at a job.
type run struct {
	Runner
	kind Kind
	call call
	job  Job
	// rows are those of a part of the input, which begins with row first.
	rows        []jsontext.Value
	first, part int
}

// Run works on the job of a call, if no other runner has it, until its end or
// until time is up; then it hands the job on. After an error the job waits until
// the lease has ended.
func (r Runner) Run(ctx context.Context, c call) error {
	return r.run(ctx, c, (*run).work)
}

// takeUp is Run for a call that nobody works on. A file whose runner was cut off is left to
// one that has more time.
func (r Runner) takeUp(ctx context.Context, c call) error {
	return r.run(ctx, c, func(w *run, ctx, inTime context.Context) error {
		if w.kind.build != nil && c.Claims > 0 && w.call.Idle <= maxIdle {
			return w.handOn(ctx)
		}
		return w.work(ctx, inTime)
	})
}

func (r Runner) run(ctx context.Context, c call, do func(w *run, ctx, inTime context.Context) error) error {
	inTime, cancel := working(ctx)
	defer cancel()
	w, err := r.begin(ctx, c)
	if err == nil {
		err = do(w, ctx, inTime)
	}
	if errors.Is(err, errTaken) {
		return nil
	}
	return err
}

// working returns a context that ends with the slice, or early enough for the reserve.
func working(ctx context.Context) (context.Context, context.CancelFunc) {
	until := time.Now().Add(slice)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-reserve).Before(until) {
		until = deadline.Add(-reserve)
	}
	return context.WithDeadline(ctx, until)
}

// begin claims the call and reads the job.
func (r Runner) begin(ctx context.Context, c call) (*run, error) {
	now := r.Now()
	if c.Until.After(now) {
		return nil, errTaken
	}
	w := &run{Runner: r, call: c.claimed(now), part: -1}
	if err := r.Table.Transact(ctx, w.call.claim(), table.Write{
		Key:    table.Job(c.Organization, c.Job),
		Update: "SET #state = :running, #started_at = if_not_exists(#started_at, :now)",
		If:     table.Present, Values: table.V{"running": Running, "now": now},
		Else: fmt.Errorf("job: %s is called and is not there", c.Job),
	}); err != nil {
		return nil, err
	}
	j, err := get(ctx, r.Table, c.Organization, c.Job)
	if err != nil {
		return nil, err
	}
	if j == nil {
		return nil, errTaken
	}
	w.job = *j
	var known bool
	if w.kind, known = r.kinds[j.Kind]; !known && w.call.Idle <= maxIdle {
		return nil, fmt.Errorf("job: nobody knows the kind %q", j.Kind)
	}
	return w, nil
}

func (w *run) work(ctx, inTime context.Context) error {
	if w.call.Idle > maxIdle {
		return w.end(ctx, errStalled)
	}
	for inTime.Err() == nil {
		switch {
		case w.kind.build != nil && w.job.File == nil:
			if err := w.build(ctx); err != nil {
				return err
			}
		case w.job.Listing:
			if err := w.list(ctx); err != nil {
				return err
			}
		case w.job.Through < w.job.Total:
			if err := w.batch(ctx, inTime); err != nil {
				return err
			}
		default:
			return w.finish(ctx)
		}
	}
	return w.handOn(ctx)
}

// task is the job as its kind sees it; it fails where the creator may not go on.
func (w *run) task(ctx context.Context) (Task[jsontext.Value], error) {
	t := Task[jsontext.Value]{
		Job: w.job.ID, Organization: w.job.Organization, Mandate: w.job.Mandate, Params: jsontext.Value(w.job.Params),
	}
	if w.kind.settled {
		return t, nil
	}
	var err error
	t.By, err = access.ActingFor(ctx, w.Env, w.job.Mandate, w.job.Permission)
	return t, err
}

// list adds the next rows to the input.
func (w *run) list(ctx context.Context) error {
	t, err := w.task(ctx)
	if err != nil {
		return w.endUnlessPassing(ctx, err)
	}
	rows, next, err := w.kind.list(ctx, t, w.job.Cursor)
	if err != nil {
		return w.endUnlessPassing(ctx, err)
	}
	before, after := w.job, w.job
	after.Cursor, after.Listing, after.Total = next, next != "", before.Total+len(rows)
	var writes []table.Write
	for _, rows := range split(rows) {
		write, err := w.job.writePart(len(after.Parts), rows)
		if err != nil {
			return err
		}
		after.Parts = append(after.Parts, len(rows))
		writes = append(writes, write)
	}
	w.call = w.call.advanced(w.Now())
	writes = append(writes, w.call.keep(), table.Write{
		Key:    w.job.key(),
		Update: "SET #cursor = :cursor, #listing = :listing, #parts = :parts, #total = :total",
		If:     "#listing = :true AND #cursor = :before",
		Values: table.V{
			"cursor": after.Cursor, "listing": after.Listing, "parts": after.Parts, "total": after.Total,
			"true": true, "before": before.Cursor,
		},
		Else: errTaken,
	})
	if err := w.Table.Transact(ctx, writes...); err != nil {
		return err
	}
	w.job = after
	return nil
}

// build makes the next step of a file.
func (w *run) build(ctx context.Context) error {
	t, err := w.task(ctx)
	if err != nil {
		return w.endUnlessPassing(ctx, err)
	}
	var step Step
	err = w.keeping(ctx, func(ctx context.Context) (err error) {
		step, err = w.kind.build(ctx, t, w.job.Cursor)
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		return w.endUnlessPassing(ctx, err)
	}
	w.call = w.call.advanced(w.Now())
	update := "SET #cursor = :cursor, #total = :rows, #through = :rows"
	values := table.V{"cursor": step.State, "rows": step.Rows, "before": w.job.Cursor, "running": Running}
	if step.File != nil {
		update += ", #file = :file"
		values["file"] = step.File
	}
	err = w.Table.Transact(ctx, w.call.keep(), table.Write{
		Key: w.job.key(), Update: update, If: "#state = :running AND #cursor = :before", Values: values, Else: errTaken,
	})
	if err != nil {
		return err
	}
	w.job.Cursor, w.job.Total, w.job.Through, w.job.File = step.State, step.Rows, step.Rows, step.File
	return nil
}

// keeping keeps the call while something is done that may take longer than the lease. Where
// another runner has it, what is done is ended.
func (w *run) keeping(ctx context.Context, do func(context.Context) error) error {
	doing, end := env.InTime(ctx, reserve)
	kept := make(chan struct{})
	call := w.call
	go func() {
		defer close(kept)
		ticker := time.NewTicker(w.keepEvery)
		defer ticker.Stop()
		for {
			select {
			case <-doing.Done():
				return
			case <-ticker.C:
			}
			call.Until = w.Now().Add(lease)
			if err := w.Table.Transact(doing, call.keep()); errors.Is(err, errTaken) {
				end()
			}
		}
	}()
	err := do(doing)
	end()
	<-kept
	return err
}

// load reads the part of the input that holds the next row.
func (w *run) load(ctx context.Context) (err error) {
	first := 0
	for n, rows := range w.job.Parts {
		if w.job.Through < first+rows {
			if n != w.part {
				w.first, w.part = first, n
				w.rows, err = readPart(ctx, w.Table, w.job.ID, n)
			}
			return err
		}
		first += rows
	}
	return fmt.Errorf("job: %s has no part with row %d", w.job.ID, w.job.Through)
}

// batch does the next rows, and writes down how many are through.
func (w *run) batch(ctx, inTime context.Context) error {
	if err := w.load(ctx); err != nil {
		return err
	}
	from := w.job.Through
	to := min(from+batch, w.first+len(w.rows))
	results, err := w.results(ctx, from, to)
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for n := range results {
		if results[n] != nil {
			continue
		}
		group.Go(func() error {
			if inTime.Err() != nil || groupCtx.Err() != nil {
				return nil
			}
			result, err := w.row(groupCtx, from+n, w.rows[from+n-w.first])
			if err == nil {
				results[n] = &result
			}
			return err
		})
	}
	trouble := group.Wait()
	for _, result := range results {
		if result == nil {
			break
		}
		w.job.Through++
		switch result.Status {
		case RowFailed:
			w.job.Failed++
		case RowUnchanged:
			w.job.Unchanged++
		}
	}
	if w.job.Through > from {
		if err := w.note(ctx); err != nil {
			return err
		}
	}
	return trouble
}

// results reads those of rows from (inclusive) to (exclusive); nil where there is none.
func (w *run) results(ctx context.Context, from, to int) ([]*resultItem, error) {
	first, last := table.JobResult(w.job.ID, from), table.JobResult(w.job.ID, to-1)
	items, err := w.Table.QueryAll(ctx, table.Query{PK: first.PK, From: first.SK, To: last.SK})
	if err != nil {
		return nil, err
	}
	all := make([]*resultItem, to-from)
	for _, item := range items {
		result, err := table.Decode[resultItem](item)
		if err != nil {
			return nil, err
		}
		all[result.Index-from] = &result
	}
	return all, nil
}

// row does one row. An error is no result: the row is to be tried again.
func (w *run) row(ctx context.Context, index int, raw jsontext.Value) (resultItem, error) {
	subject, err := w.kind.subject(raw)
	if err != nil {
		return w.fail(ctx, index, subject, err)
	}
	var result resultItem
	err = table.Retry(ctx, func() error {
		outcome, writes, err := w.decide(ctx, raw)
		if err != nil {
			return err
		}
		if result, err = succeeded(ctx, w.Env, w.job, index, subject, outcome); err != nil {
			return err
		}
		return w.Table.Transact(ctx, append([]table.Write{result.put(w.job.ID)}, writes...)...)
	})
	switch {
	case err == nil:
		return result, nil
	case errors.Is(err, errThrough):
		return w.found(ctx, index)
	case passing(ctx, err):
		return result, err
	}
	return w.fail(ctx, index, subject, err)
}

// decide asks the kind, with the rights that the creator has now.
func (w *run) decide(ctx context.Context, raw jsontext.Value) (o Outcome, writes []table.Write, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	t, err := w.task(ctx)
	if err != nil {
		return Outcome{}, nil, err
	}
	return w.kind.do(ctx, t, raw)
}

// passing reports whether trying again may help: storage that does not answer, or
// a runner that is ended.
func passing(ctx context.Context, err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ctx.Err() != nil || ok && f.Kind == fault.Unavailable
}

// fail writes down that a row failed.
func (w *run) fail(ctx context.Context, index int, of Subject, cause error) (resultItem, error) {
	if _, expected := errors.AsType[*fault.Error](cause); !expected {
		w.Log.ErrorContext(ctx, "job: row failed", slog.String("job", string(w.job.ID)), slog.Int("row", index), slog.Any("error", cause))
	}
	result := failed(w.job, index, of, cause)
	err := w.Table.Transact(ctx, result.put(w.job.ID))
	if errors.Is(err, errThrough) {
		return w.found(ctx, index)
	}
	return result, err
}

// found is the result of a row that is through.
func (w *run) found(ctx context.Context, index int) (resultItem, error) {
	var result *resultItem
	if err := w.Table.Get(ctx, table.Into(table.JobResult(w.job.ID, index), &result)); err != nil {
		return resultItem{}, err
	}
	if result == nil {
		return resultItem{}, errTaken // it expired: the job is long over
	}
	return *result, nil
}

// advanced is the call of a runner that brought the job further.
func (c call) advanced(now time.Time) call {
	c.Idle, c.Until = 0, now.Add(lease)
	return c
}

// note writes down how far the job is.
func (w *run) note(ctx context.Context) error {
	w.call = w.call.advanced(w.Now())
	return w.Table.Transact(ctx, w.call.keep(), w.progress(counts, table.V{}))
}

// counts updates the counts of a job.
const counts = "SET #through = :through, #failed = :failed, #unchanged = :unchanged"

// progress is an update of the job with its counts, which never go back.
func (w *run) progress(update string, more table.V) table.Write {
	more["through"], more["failed"], more["unchanged"], more["running"] = w.job.Through, w.job.Failed, w.job.Unchanged, Running
	return table.Write{
		Key: w.job.key(), Update: update, If: "#state = :running AND #through <= :through", Values: more, Else: errTaken,
	}
}

// handOn lets another runner go on.
func (w *run) handOn(ctx context.Context) error {
	return w.Table.Transact(ctx, w.call.end(), newCall(w.job, w.Now(), w.call.Idle).put())
}

// finish ends the job when every row is through.
func (w *run) finish(ctx context.Context) error {
	if w.kind.finish == nil {
		return w.end(ctx, nil)
	}
	err := table.Retry(ctx, func() error {
		t, err := w.task(ctx)
		if err != nil {
			return err
		}
		writes, err := w.kind.finish(ctx, t)
		if err != nil {
			return err
		}
		return w.end(ctx, nil, writes...)
	})
	if err == nil || errors.Is(err, errTaken) {
		return err
	}
	return w.endUnlessPassing(ctx, err)
}

// endUnlessPassing ends the job for an error that no further attempt mends.
func (w *run) endUnlessPassing(ctx context.Context, cause error) error {
	if passing(ctx, cause) {
		return cause
	}
	if _, expected := errors.AsType[*fault.Error](cause); !expected {
		w.Log.ErrorContext(ctx, "job: failed", slog.String("job", string(w.job.ID)), slog.Any("error", cause))
	}
	return w.end(ctx, cause)
}

// end is the last transaction of a job.
func (w *run) end(ctx context.Context, cause error, writes ...table.Write) error {
	state, code, detail := Done, "", ""
	if cause != nil {
		f, ok := errors.AsType[*fault.Error](cause)
		if !ok {
			f = errInternal.WithDetail("Something went wrong on our side.")
		}
		state, code, detail = Failed, f.Code, Detail(f)
	}
	last := w.progress(counts+", #state = :state, #code = :code, #detail = :detail, #ended_at = :now",
		table.V{"state": state, "code": code, "detail": detail, "now": w.Now()})
	return w.Table.Transact(ctx, append([]table.Write{w.call.end(), last}, writes...)...)
}
