// Package bench measures the exchange's parts beside a floor, and where there are any beside peers, in the same run and under the same
// conditions: on a shared machine a figure alone says little, a ratio says much.
//
// Figures and floor take turns in short rounds, so that what disturbs one disturbs the other. Both are timed with the same clock, one look
// before and one after; its cost is stated, and is in both. Rates come from stretches without a look at the clock.
package bench
