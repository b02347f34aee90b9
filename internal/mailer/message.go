// Package mailer writes Roster's mails and hands them to Amazon SES: Render turns
// a kind and its data into a Message, and a Sender sends it.
package mailer

// Message is a mail ready to send. Subject is a single line of UTF-8.
type Message struct {
	Subject, Text, HTML string
}
