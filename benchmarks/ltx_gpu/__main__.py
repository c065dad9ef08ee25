from benchmarks.ltx_gpu.command import main

raise SystemExit(main())
