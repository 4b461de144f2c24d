// Package pages has the memory of a process lie in large pages, where the system can do that.
package pages
