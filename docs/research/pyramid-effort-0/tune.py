"""Mean log ratio to the best peer at two steps per volume, plans cached. Prints one line."""
import json, os, sys, warnings
warnings.simplefilter("ignore")
import numpy as np, pyramid, data, bench
names=[n for n in bench.QUICK]
cache="plans.json"
plans=json.load(open(cache)) if os.path.exists(cache) else {}
tot=[]
for name in names:
    x,m=data.load(name); v=x[m] if m is not None else x; span=float(v.max()-v.min())
    for db in (42,58):
        step=span*10**(-db/20)*2.5
        if db==58 and np.array_equal(v,np.rint(v)): step=max(2.0**round(np.log2(step)),1)
        k=f"{name}{db}"
        if k not in plans:
            i={}; b,y=pyramid.encode(x,step,m,want=True,info=i); plans[k]=[int(a) for a in i['axes']]; json.dump(plans,open(cache,"w"))
        b,y=pyramid.encode(x,step,m,want=True,axes=plans[k])
        p=min(pyramid.psnr(x,y.reshape(x.shape),m),120)
        tot.append(np.log(len(b)/data.peer_bytes(name,[p])[0][0]))
t=np.array(tot).reshape(-1,2)
print(" ".join(sys.argv[1:]), f"mean {np.exp(t.mean()):.4f}  42: {np.exp(t[:,0].mean()):.4f} 58: {np.exp(t[:,1].mean()):.4f}", " ".join(f"{a:.3f}/{b:.3f}" for a,b in np.exp(t)),flush=True)
