use ampeg::graph;

extern "C" fn foreign(x: i32) -> i32 {
    x
}

unsafe fn careful(x: i32) -> i32 {
    x
}

fn main() {
    let pointer: extern "C" fn(i32) -> i32 = foreign;
    graph! {
        a = Some(foreign).map(|f| f(1));
        b = Some(careful).map(|f| unsafe { f(1) });
        c = (pointer)(1);
    };
}
