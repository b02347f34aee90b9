package job

import (
	"errors"
	"hash/fnv"
	"time"

	"roster/internal/id"
	"roster/internal/table"
)

// call asks for a job to be run. Its arrival in the table wakes a runner by the
// stream; as long as it is there, the job is not at its end. A runner that has no
// time left replaces it by another, which wakes the next.
type call struct {
	ID           string          `dynamodbav:"id"`
	Shard        int             `dynamodbav:"shard"`
	Organization id.Organization `dynamodbav:"organization"`
	Job          id.Job          `dynamodbav:"job"`
	// Claims counts the runners that took it; the last one has it until Until.
	Claims int       `dynamodbav:"claims"`
	Until  time.Time `dynamodbav:"until"`
	// Idle counts the runners in a row that brought the job no further.
	Idle int   `dynamodbav:"idle"`
	TTL  int64 `dynamodbav:"ttl"`
}

const (
	// lease outlasts what passes between two notes of progress.
	lease = time.Minute
	// maxIdle is after how many vain attempts a job ends: something in it, or in
	// this version of Roster, ends every runner.
	maxIdle = 20
)

// errTaken: another runner has the call, or it is gone.
var errTaken = errors.New("job: another runner has the job")

func newCall(j Job, now time.Time, idle int) call {
	c := call{ID: id.New("call", now), Organization: j.Organization, Job: j.ID, Idle: idle, TTL: j.TTL}
	h := fnv.New32a()
	h.Write([]byte(j.ID))
	c.Shard = int(h.Sum32() % table.JobShards)
	return c
}

func (c call) key() table.Key { return table.JobCall(c.Shard, c.ID) }

func (c call) put() table.Write { return table.Write{Key: c.key(), Put: c, If: table.Absent} }

// claimed is the call as its runner has it.
func (c call) claimed(now time.Time) call {
	c.Claims++
	c.Idle++
	c.Until = now.Add(lease)
	return c
}

// claim is the Write by which one runner gets the call; c is as claimed returned it.
func (c call) claim() table.Write {
	return table.Write{
		Key: c.key(), Update: "SET #claims = :claims, #until = :until, #idle = :idle",
		If: "#claims = :before", Values: table.V{"claims": c.Claims, "before": c.Claims - 1, "until": c.Until, "idle": c.Idle},
		Else: errTaken,
	}
}

// keep is the Write by which its runner keeps the call.
func (c call) keep() table.Write {
	return table.Write{
		Key: c.key(), Update: "SET #until = :until, #idle = :idle",
		If: "#claims = :claims", Values: table.V{"claims": c.Claims, "until": c.Until, "idle": c.Idle},
		Else: errTaken,
	}
}

// end is the Write by which its runner ends the call.
func (c call) end() table.Write {
	return table.Write{
		Key: c.key(), Delete: true, If: "#claims = :claims", Values: table.V{"claims": c.Claims}, Else: errTaken,
	}
}
