package stack

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/arrange"
	"roster/internal/billing"
	"roster/internal/boot"
	"roster/internal/deletion"
	"roster/internal/env"
	"roster/internal/feature"
	"roster/internal/feature/jobs"
	"roster/internal/feedback"
	"roster/internal/function"
	"roster/internal/job"
	"roster/internal/mailer"
	"roster/internal/member"
	"roster/internal/notify"
	"roster/internal/stream"
	"roster/internal/usage"
	"roster/internal/watch"
)

// functions are the handlers of every function, as its main hands them to Lambda.
func functions(e *env.Env, sender *mailer.Sender) map[string]lambda.Handler {
	n := notify.Service{Env: e, Mail: sender}
	f := feedback.Service{Env: e}
	runner := job.NewRunner(e, jobs.All...)
	all := map[string]lambda.Handler{
		"notify":               function.Answering(n.Stream),
		"sweep-outbox":         function.Silent(n.Sweep),
		"run-jobs":             function.Answering(runner.Stream),
		"sweep-jobs":           function.Silent(runner.Sweep),
		"arrange":              function.Silent(stream.Each(arrange.New(e).Stream, watch.New(e).Stream, usage.EventList{Env: e}.Stream)),
		"mail-feedback":        function.Silent(f.Handle),
		"delete-organizations": function.Silent(deletion.Service{Env: e}.Sweep),
		"close-statements":     function.Silent(billing.Service{Env: e}.Sweep),
		"reconcile":            function.Answering(usage.Reconciler{Env: e}.Sweep),
		"sweep-usage":          function.Silent(usage.NewMeter(e).Sweep),
		"expire":               function.Silent(member.Service{Env: e}.Expire),
		"check-limits":         function.Silent(watch.New(e).Sweep),
		"rearrange":            function.Answering(arrange.New(e).Rearrange),
	}
	for _, f := range function.All {
		if f.Trigger == function.HTTP {
			all[f.Name] = boot.Handler(e, f.Name, feature.All...)
		}
	}
	return all
}
