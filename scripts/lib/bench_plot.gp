# gnuplot -e "rows='FILE'; plot='FILE.svg'" bench_plot.gp: a bar for each row's time, a mark for its lower bound; see bench_plot.jq.
# Grey text and no background, so that it can be read on a light page and on a dark one.
stats rows using 1 nooutput
set terminal svg size 600, 80 + 26 * (STATS_max + 1) font "sans-serif,15" noenhanced
set output plot
set datafile separator "\t"
set tmargin 1
set lmargin 18
set bmargin 3.5
set border 1 linecolor rgb "#808080"
set logscale x 10
set format x "%.0s %cs"
set xrange [1e-8:*]
set yrange [STATS_max + 0.6:-0.6]
set xtics nomirror textcolor rgb "#808080"
set ytics scale 0 textcolor rgb "#808080"
set grid xtics linecolor rgb "#808080" dashtype 3
set key top right textcolor rgb "#808080" samplen 2
plot rows using (1e-8):1:(1e-8):($3 * 1e-9):($1 - 0.35):($1 + 0.35):ytic(2) \
       with boxxyerror fillstyle solid 0.85 noborder linecolor rgb "#2f81f7" title "time", \
     rows using ($4 * 1e-9):1 with points pointtype 9 pointsize 0.9 linecolor rgb "#d29922" title "lower bound, same run"
