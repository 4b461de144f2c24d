// Package tape shows the feed as text: a line for each message, and a book with its last trades as a frame for a terminal. Both are
// pure functions of what package depth knows.
package tape
